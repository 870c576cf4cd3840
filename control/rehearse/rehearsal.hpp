// A rollout on traffic that was: its state, its judge, its breaker and its engine are the daemon's own
// (control/rollout), the clock is the log's. Pure.
//
//   Rehearsal rehearsal(setup);
//   rehearsal.begin(first);
//   while (requests and not rehearsal.over()) { rehearsal.look_until(ended); rehearsal.count(...); }
//   rehearsal.log_ended(last);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/problem.hpp"
#include "control/rollout/engine.hpp"
#include "control/rollout/judge.hpp"
#include "control/state/state.hpp"
#include "proxy/observe/breaker.hpp"

namespace sluice::rehearse {

struct Setup {
  std::string service, from, to;
  config::PlanSpec plan;
  rollout::Tally stable;  // what is known of the stable pool's errors when it begins
};

// What a rehearsal leaves out of a plan: gates that ask somebody else are taken to agree, steps that want
// approval to have it, checks before the first share to pass. A sentence each.
std::vector<std::string> leave_out(config::PlanSpec& plan);

// One step, as it went.
struct StepTold {
  std::uint32_t step = 0;  // from 1
  Share share = 0, mirror = 0;
  double began = 0, ended = 0;    // seconds since the first request
  rollout::Tally canary, stable;  // attempts and errors
  std::uint64_t requests = 0;     // of the log until it ended
  enum class End : std::uint8_t { passed, went_back, log_ended } end = End::log_ended;
  std::string why;
  std::vector<rollout::Judgement> judgements;  // the last
};

class Rehearsal {
 public:
  explicit Rehearsal(Setup setup);

  // Requires: called once, before anything else. A problem when the plan cannot begin.
  std::optional<protocol::Problem> begin(std::int64_t micros);
  bool over() const { return over_; }

  // As they are now. Requires: begin().
  Share share() const { return rollout().current().share; }
  Share mirror() const { return rollout().current().mirror; }
  bool canary_owns(std::uint32_t slot) const { return owners_[slot] == to_; }
  std::chrono::milliseconds looking() const { return looking_; }

  // All looks that the judge takes until then.
  void look_until(std::int64_t micros);
  // An answer that came at `micros`, after look_until(). `bucket`: kNoTime when it took nobody knows how
  // long.
  void request_passed() { ++requests_; }
  void count(bool canary, bool error, std::uint16_t bucket, std::int64_t micros);
  // An aborted one: it has a latency and nothing else.
  void count_latency(bool canary, std::uint16_t bucket);
  // Many at once, between two looks; `errors` lie among them by chance.
  struct Many {
    std::uint64_t answers = 0, errors = 0;
    std::vector<std::pair<std::uint16_t, std::uint64_t>> latency;
  };
  void count_many(bool canary, const Many& many, std::uint64_t chance);
  void requests_passed(std::uint64_t n) { requests_ += n; }

  void log_ended(std::int64_t micros);
  const std::vector<StepTold>& steps() const { return steps_; }
  std::uint64_t requests() const { return requests_; }

 private:
  const state::Rollout& rollout() const { return *state_.service(setup_.service)->rollout; }
  void begin_step(std::int64_t micros);
  void look(std::int64_t micros);
  void end_step(std::int64_t micros, StepTold::End end, std::string why,
                std::vector<rollout::Judgement> judgements);
  bool compare() const;

  const Setup setup_;
  state::State state_;
  std::uint8_t to_ = 0;
  route::SlotOwners owners_{};
  rollout::Judge judge_;
  std::unique_ptr<observe::Breaker> breaker_;
  rollout::Reading canary_, stable_;
  std::chrono::milliseconds looking_{1000};
  std::int64_t first_ = 0, step_began_ = 0, next_look_ = 0, next_whole_look_ = 0;
  std::uint64_t whole_looks_ = 0;  // in this step
  std::uint64_t requests_ = 0;
  std::vector<StepTold> steps_;
  bool over_ = false;
};

}  // namespace sluice::rehearse
