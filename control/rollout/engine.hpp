// What a rollout does next (G2): a pure function of what is kept of it, what was seen in its step, and the
// verdicts. It owns no clock and publishes nothing; the driver (control/rollout_driver/rollout_driver.hpp)
// does.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/rollout/judge.hpp"
#include "control/state/rollout.hpp"

namespace sluice::rollout {

// What the probes of `verify` found so far.
struct Verified {
  Verdict verdict = Verdict::insufficient;
  std::string why;
};

struct Evidence {
  std::chrono::milliseconds in_step{0};      // since this process began to watch the step (G7)
  bool tripped = false;                      // G6: a worker saw the sequential test fail
  std::string trip_text;                     // its numbers
  std::size_t eligible = 0;                  // backends of the new pool that take requests
  std::uint64_t n_canary = 0, n_stable = 0;  // requests of this step
  bool stable_has_share = true;
  std::vector<Judgement> judgements;  // of every gate
  Verified verified;                  // while verifying
  // While verifying with `control: equal`: the judgements are of one cohort of the stable pool against
  // another, and these of the other against the one. Without a trial of it: empty.
  std::vector<Judgement> reversed;
};

enum class Act : std::uint8_t {
  wait,     // nothing yet; `why` says for what
  advance,  // to the first or the next step
  finish,   // the last step passed
  go_back,  // something failed
};
struct Decision {
  Act act = Act::wait;
  std::string why;
  std::string gate = {};  // of go_back: which one failed; empty when it was none
  bool operator==(const Decision&) const = default;
};

// In a step that gives the new pool nothing, not even copies, there is nothing to count.
inline bool counts_nothing(const config::StepSpec& step) { return step.share == 0 && step.mirror == 0; }

// Of services that move in step: a service that fails takes all back; when all pass they go on together.
struct Member {
  std::string service;
  Decision decision;
};
struct Together {
  std::string service;  // whose failure it is; else the first
  Decision decision;
};
// Requires: at least one member.
Together decide_together(const std::vector<Member>& members);

// Requires: rollout.active().
Decision decide(const state::Rollout& rollout, const Evidence& evidence);

}  // namespace sluice::rollout
