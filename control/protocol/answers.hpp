// What `history`, `events`, `explain` and `wait` answer. Written by the daemon, read by sluicectl
// (answer.hpp). Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/answer.hpp"
#include "control/protocol/change.hpp"
#include "control/protocol/target.hpp"

namespace sluice::protocol {

// One accepted change.
struct HistoryEntry {
  std::uint64_t generation = 0;
  std::string time, actor, verb;
  Strings services;
  std::string change;  // "api: blue 100% -> 0%, green 0% -> 100%"
  std::string reason;

  static void fields(auto& self, auto& visit) {
    visit("generation", self.generation);
    visit("time", self.time);
    visit("actor", self.actor);
    visit("verb", self.verb);
    visit("services", self.services);
    visit("change", self.change);
    visit("reason", self.reason);
  }
};
struct HistoryList {
  std::vector<HistoryEntry> history;  // the latest first

  static void fields(auto& self, auto& visit) { visit("history", self.history); }
};

// One line of the event stream.
struct Event {
  std::uint64_t id = 0;
  std::string time, type, service, text;
  boost::json::object detail;

  static void fields(auto& self, auto& visit) {
    visit("id", self.id);
    visit("time", self.time);
    visit("type", self.type);
    visit("service", self.service);
    visit("text", self.text);
    visit.some("detail", self.detail);
  }
};

// When what was waited for is so.
struct Waited {
  Target target;
  Condition condition = Condition::healthy;
  milliseconds took{0};
  std::optional<Drained> drained;  // of Condition::drained

  static void fields(auto& self, auto& visit) {
    visit("target", as<TargetText>(self.target));
    visit("condition", as<ConditionText>(self.condition));
    visit("took_ms", self.took);
    visit.some("drained", self.drained);
  }
};

// The way of a request that nobody made.
struct Explained {
  std::optional<std::uint64_t> route;  // from 1
  std::optional<std::string> service, pool, backend;
  std::string held, flags, mirror;
  std::optional<Strings> candidates;
  std::string result;  // "forwarded", "404 no_route"
  std::string address;
  std::uint64_t generation = 0;
  Strings steps;

  static void fields(auto& self, auto& visit) {
    visit.or_null("route", self.route);
    visit.or_null("service", self.service);
    visit.or_null("pool", self.pool);
    visit.or_null("backend", self.backend);
    visit.some("held", self.held);
    visit.some("flags", self.flags);
    visit.some("mirror", self.mirror);
    visit.some("candidates", self.candidates);
    visit("result", self.result);
    visit.some("address", self.address);
    visit("generation", self.generation);
    visit("steps", self.steps);
  }
};

}  // namespace sluice::protocol
