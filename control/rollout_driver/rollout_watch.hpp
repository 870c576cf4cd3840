// What this process sees of one active rollout in its present step: readings, verdicts, answers of external
// gates. Gone with the step and with the process (G7), but a process that takes this one's place goes on with
// what was counted. Control thread only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/io/notifier.hpp"
#include "control/rollout/engine.hpp"
#include "control/rollout/known_step.hpp"
#include "control/rollout/way_back.hpp"
#include "control/rollout_driver/external_gate.hpp"
#include "control/state/rollout.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::rollout_driver {

class RolloutWatch {
 public:
  // Of `rollout` as it is now. `service` is the one in force, with both pools.
  RolloutWatch(const state::Rollout& rollout, const route::Service& service);

  // False when the rollout has moved since: then there is to be a new one.
  bool is_of(const state::Rollout& rollout) const;
  bool is_due(io::Clock::time_point now) const { return now >= next_look_; }
  void look_again_at(io::Clock::time_point when) { next_look_ = when; }

  // Judges what was counted until now. `rollout` as in is_of().
  rollout::Evidence look(const state::Rollout& rollout, const route::Service& service,
                         io::Clock::time_point now);
  // G6, between two looks: the breaker tripped; in a step that is judged by mirrored copies, theirs.
  static bool tripped(const route::Service& service, const state::Rollout& rollout);

  // What was seen of the step so far, for another process; and to go on with what another one saw. Requires:
  // of the same step, which is_of() says, and nothing was judged yet.
  rollout::KnownStep known(const state::Rollout& rollout, const route::Service& service) const;
  void go_on(const rollout::KnownStep& known);

  std::vector<std::shared_ptr<ExternalGate>>& external_gates() { return gates_; }
  std::shared_ptr<rollout::Verified> verified() { return verified_; }

  // For status.
  const rollout::Evidence& last() const { return last_; }
  std::string waits_for;
  std::optional<protocol::RollbackStatus> way_back;  // as it was when look() was called
  std::chrono::milliseconds in_step(io::Clock::time_point now) const;
  bool probing = false;  // the verify requests are under way or done

 private:
  rollout::Reading canary_now(const state::Rollout& rollout, const route::Service& service) const;
  rollout::Reading stable_now(const route::Service& service) const;
  std::vector<rollout::Judgement> judgements(const state::Rollout& rollout, const route::Service& service);
  std::optional<std::uint64_t> least_in_flight() const;

  const std::uint64_t id_;
  const state::RolloutPhase phase_;
  const std::uint32_t step_;
  const std::int64_t step_began_;
  io::Clock::time_point began_ = io::Clock::now();
  std::chrono::milliseconds interval_;
  io::Clock::time_point next_look_ = began_;
  rollout::Judge judge_;
  std::optional<rollout::Judge> reversed_;  // before the first step: the control cohort against the other one
  rollout::Reading before_canary_, before_stable_;    // counted in the step by the process before this one
  std::vector<std::shared_ptr<ExternalGate>> gates_;  // shared with the questions under way
  std::shared_ptr<rollout::Verified> verified_ = std::make_shared<rollout::Verified>();
  std::deque<std::uint64_t> in_flight_;
  rollout::Evidence last_;
};

// What commands are told: SLUICE_SERVICE, _POOL, _STEP, _SHARE, _MIRROR (where there is one), and the pool's
// ready backends in _BACKENDS (names) and _ADDRESSES.
io::Environment environment_of(const route::Service& service, const route::Pool& pool, std::uint32_t step,
                               Share share, Share mirror);

// Between two answers of an external gate, in a step that holds so long.
std::chrono::milliseconds asking_interval(std::chrono::milliseconds hold);

}  // namespace sluice::rollout_driver
