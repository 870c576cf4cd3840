// A rollout as the API shows it: in the status and as GET /v1/services/S/rollout. Written by the daemon, read
// by sluicectl (answer.hpp). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/answer.hpp"

namespace sluice::protocol {

// One limit of one gate. Rates are fractions, latencies seconds. What is not known is null.
struct GateStatus {
  std::string gate;     // "error_rate max 5 %"
  std::string verdict;  // "pass", "fail", "insufficient"
  bool warn = false;    // the warn limit is passed, with evidence
  std::uint64_t n_canary = 0, n_stable = 0;
  std::optional<double> canary, stable;  // what either pool had
  std::optional<double> value;           // what the limit is about: canary's, or its difference to stable's
  std::optional<double> lower, upper;    // its bounds
  std::optional<double> limit, warn_limit;
  std::string unit;                                           // "rate", "seconds", or empty
  std::string why;                                            // a sentence with the numbers
  std::optional<double> design_effect, design_effect_stable;  // requests worth one, by users

  static void fields(auto& self, auto& visit) {
    visit("gate", self.gate);
    visit("verdict", self.verdict);
    visit("warn", self.warn);
    visit("n_canary", self.n_canary);
    visit("n_stable", self.n_stable);
    visit.or_null("canary", self.canary);
    visit.or_null("stable", self.stable);
    visit.or_null("value", self.value);
    visit.or_null("lower", self.lower);
    visit.or_null("upper", self.upper);
    visit.or_null("limit", self.limit);
    visit.or_null("warn_limit", self.warn_limit);
    visit("unit", self.unit);
    visit("why", self.why);
    visit.some("design_effect", self.design_effect);
    visit.some("design_effect_stable", self.design_effect_stable);
  }
};

// As many fields as `rollout status` shows of one rollout: each is described in fields(), and none is derived
// here.
struct RolloutStatus {
  struct Requests {
    std::uint64_t canary = 0, stable = 0;
    static void fields(auto& self, auto& visit) {
      visit("canary", self.canary);
      visit("stable", self.stable);
    }
  };
  struct Step {
    Share share = 0;
    milliseconds hold{0};
    bool approve = false;
    std::optional<Share> mirror;
    static void fields(auto& self, auto& visit) {
      visit("share", as<Percentage>(self.share));
      visit("hold", as<DurationText>(self.hold));
      visit.some("approve", self.approve);
      visit.some("mirror", as<Percentage>(self.mirror));
    }
  };
  struct Line {
    std::string time, text;
    static void fields(auto& self, auto& visit) {
      visit("time", self.time);
      visit("text", self.text);
    }
  };

  std::string name;  // of the service
  // "verifying", "running", "paused", "watching" (the last step at 100 %), "done", "rolled_back", "aborted".
  std::string state;
  bool active = false;
  std::string from, to, plan;
  std::optional<std::uint64_t> step;  // from 1; of a running one, as the next four
  std::uint64_t steps = 0;
  std::optional<Share> share, mirror;  // mirror: of a step that has one
  std::optional<milliseconds> hold, in_step;
  // Of the present step, since this process or one whose place it took watches it; nothing of it when it is
  // over.
  std::string waits_for;
  std::string why;
  Requests requests;
  std::uint64_t min_requests = 0;
  std::vector<GateStatus> gates;
  // Those that move in step with it, while it is active; not of theirs again.
  std::vector<RolloutStatus> others;
  Strings group;
  std::vector<Step> plan_steps;
  std::uint64_t generation = 0;  // that began it
  std::string started, started_by;
  std::optional<std::string> ended, retained_until;
  std::vector<Line> log;
  std::string control;  // whom it is compared with in the present step, when it is not the whole stable pool

  static void fields(auto& self, auto& visit) {
    visit("state", self.state);
    visit("active", self.active);
    visit("from", self.from);
    visit("to", self.to);
    visit("plan", self.plan);
    visit.or_null("step", self.step);
    visit("steps", self.steps);
    visit.some("share", as<Fraction>(self.share));
    visit.some("mirror", as<Fraction>(self.mirror));
    visit.some("hold", as<DurationText>(self.hold));
    visit.some("in_step_ms", self.in_step);
    visit("waits_for", self.waits_for);
    visit("why", self.why);
    visit("requests", self.requests);
    visit("min_requests", self.min_requests);
    visit("gates", self.gates);
    visit.some_named("others", self.others);
    visit("group", self.group);
    visit("plan_steps", self.plan_steps);
    visit("generation", self.generation);
    visit("started", self.started);
    visit("started_by", self.started_by);
    visit.or_null("ended", self.ended);
    visit.or_null("retained_until", self.retained_until);
    visit("log", self.log);
    visit.some("control", self.control);
  }
};

}  // namespace sluice::protocol
