// What is kept of a rollout for its report: the steps with what they asked for and got, what each gate saw,
// who changed what. As JSON in the state folder (control/JOURNAL.md). Pure values.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/answer.hpp"

namespace sluice::report {

// Of a pool, in a step. A request whose first attempt failed is an error, also when another pool answered it.
struct Counted {
  std::uint64_t requests = 0, errors = 0;
  std::uint64_t rescued = 0;  // of the errors: another pool was asked instead
  bool operator==(const Counted&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("requests", self.requests);
    visit("errors", self.errors);
    visit("rescued", self.rescued);
  }
};

// The last that a gate said in a step. Rates are fractions, latencies seconds.
struct Verdict {
  std::string gate, verdict, unit, why;
  std::uint64_t n = 0;  // requests of the new pool
  std::optional<double> value, lower, upper, limit;

  static void fields(auto& self, auto& visit) {
    visit("gate", self.gate);
    visit("verdict", self.verdict);
    visit("unit", self.unit);
    visit("why", self.why);
    visit("n", self.n);
    visit.or_null("value", self.value);
    visit.or_null("lower", self.lower);
    visit.or_null("upper", self.upper);
    visit.or_null("limit", self.limit);
  }
};

struct Step {
  std::uint32_t number = 0;  // from 1; 0: the checks before the first
  Share share = 0, mirror = 0;
  std::int64_t began = 0, ended = 0;  // Unix milliseconds; ended: 0 while it lasts
  Counted canary, stable;             // of the new pool, and of the one it came from
  std::uint64_t all = 0;              // requests of the service, whichever pool they went to
  std::vector<Verdict> gates;
  std::string left_by;   // "rollout step", "rollout back", "rollout abort" ...: what ended it
  std::string decision;  // why, with the numbers

  static void fields(auto& self, auto& visit) {
    visit("number", self.number);
    visit("share", protocol::as<protocol::Percentage>(self.share));
    visit("mirror", protocol::as<protocol::Percentage>(self.mirror));
    visit("began", self.began);
    visit("ended", self.ended);
    visit("canary", self.canary);
    visit("stable", self.stable);
    visit("all", self.all);
    visit("gates", self.gates);
    visit("left_by", self.left_by);
    visit("decision", self.decision);
  }
};

// What a gate saw at a moment, of its step so far; of the share: what was delivered since the point before.
struct Point {
  std::int64_t time = 0;
  std::optional<double> value, lower, upper;

  static void fields(auto& self, auto& visit) {
    visit("t", self.time);
    visit.some("v", self.value);
    visit.some("l", self.lower);
    visit.some("u", self.upper);
  }
};
struct Series {
  static constexpr std::size_t kMostPoints = 160;

  std::string gate, unit;  // unit: "rate", "seconds", or empty
  std::optional<double> limit, warn;
  std::vector<Point> points;
  std::int64_t spacing = 1000;  // milliseconds between two points at least; doubled when there are too many

  // The last point is always the latest; those before it are as far apart as the spacing.
  void add(const Point& point);
  static void fields(auto& self, auto& visit) {
    visit("gate", self.gate);
    visit("unit", self.unit);
    visit.some("limit", self.limit);
    visit.some("warn", self.warn);
    visit("points", self.points);
    visit("spacing", self.spacing);
  }
};

// An accepted change of the service, from the rollout's start until the next one's. `audit`: the number of
// its line.
struct Change {
  std::uint64_t generation = 0, audit = 0;
  std::int64_t time = 0;
  std::string actor, verb, before, after, reason;
  double took_ms = 0;  // until the last worker routed by it

  static void fields(auto& self, auto& visit) {
    visit("generation", self.generation);
    visit("audit", self.audit);
    visit("time", self.time);
    visit("actor", self.actor);
    visit("verb", self.verb);
    visit("before", self.before);
    visit("after", self.after);
    visit("reason", self.reason);
    visit("took_ms", self.took_ms);
  }
};

struct Story {
  static constexpr std::size_t kMostSteps = 64, kMostSeries = 24, kMostChanges = 100, kMostBytes = 256 << 10;

  std::string service;
  std::uint64_t id = 0;         // the rollout's
  std::string keys;             // what users are told apart by; empty: they are not
  boost::json::object rollout;  // the last of it, as state::to_json writes it
  std::vector<Step> steps;
  Series shares;  // delivered to the new pool, of the service's requests
  std::vector<Series> gates;
  std::vector<Change> changes;
  std::uint64_t left_out = 0;  // changes that had no place

  static void fields(auto& self, auto& visit) {
    visit("service", self.service);
    visit("id", self.id);
    visit("keys", self.keys);
    visit("rollout", self.rollout);
    visit("steps", self.steps);
    visit("shares", self.shares);
    visit("gates", self.gates);
    visit("changes", self.changes);
    visit("left_out", self.left_out);
  }
};

// At most Story::kMostBytes: of a longer one, points are left out.
std::string to_text(Story story);
// Nothing when it is not readable.
std::optional<Story> story_in(std::string_view text);

}  // namespace sluice::report
