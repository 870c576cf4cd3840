#include "control/core/rollout_watch.hpp"

#include <algorithm>

#include "control/core/publisher.hpp"
#include "proxy/base/values.hpp"

namespace sluice::core {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBurst = 5;  // readings of the requests in flight of which the least is judged

// Twenty looks at a step, not more than ten a second nor fewer than one.
milliseconds looking_interval(milliseconds hold) {
  return std::clamp(hold / 20, milliseconds(100), milliseconds(1000));
}

Environment environment_of(const state::Rollout& rollout, const std::string& service) {
  const bool running = rollout.phase == state::RolloutPhase::running;
  return {{"SLUICE_SERVICE", service},
          {"SLUICE_POOL", rollout.to},
          {"SLUICE_STEP", std::to_string(running ? rollout.step + 1 : 0)},
          {"SLUICE_SHARE", format_share(running ? rollout.current().share : 0)}};
}

std::string trip_text(const route::Service& service) {
  return std::to_string(service.guard->errors()) + " of the first answers of pool '" +
         service.pools[service.guarded].name +
         "' were errors, more than luck explains; its requests went elsewhere at once (G6)";
}

}  // namespace

milliseconds asking_interval(milliseconds hold) {
  return std::clamp(hold / 4, milliseconds(200), milliseconds(10'000));
}

RolloutWatch::RolloutWatch(const state::Rollout& rollout, const route::Service& service)
    : id_(rollout.id),
      phase_(rollout.phase),
      step_(rollout.step),
      step_began_(rollout.step_began),
      interval_(looking_interval(phase_ == state::RolloutPhase::running ? rollout.current().hold
                                                                        : milliseconds(0))),
      judge_(rollout.plan.gates, rollout.plan.steps.size()) {
  judge_.begin(rollout::read(*service.pools[service.guarded].live),
               rollout::read(*service.pools[service.rescue].live));
  if (phase_ != state::RolloutPhase::running) return;
  for (const auto& gate : rollout.plan.gates) {
    if (!is_outside(gate)) continue;
    auto& made = outside_.emplace_back(std::make_shared<OutsideGate>());
    made->gate = gate;
    made->environment = environment_of(rollout, service.spec.name);
    made->interval = asking_interval(rollout.current().hold);
  }
}

bool RolloutWatch::is_of(const state::Rollout& rollout) const {
  return rollout.id == id_ && rollout.phase == phase_ && rollout.step == step_ &&
         rollout.step_began == step_began_;
}

milliseconds RolloutWatch::in_step(Clock::time_point now) const {
  return std::chrono::duration_cast<milliseconds>(now - began_);
}

rollout::Evidence RolloutWatch::look(const state::Rollout& rollout, const route::Service& service,
                                     Clock::time_point now) {
  next_look_ = now + interval_;
  const route::Pool& canary = service.pools[service.guarded];
  rollout::Evidence evidence;
  evidence.in_step = in_step(now);
  evidence.tripped = tripped(service);
  if (evidence.tripped) evidence.trip_text = trip_text(service);
  evidence.eligible = eligible_count(canary);
  evidence.verified = *verified_;
  evidence.stable_has_share = service.pools[service.rescue].share > 0;
  evidence.judgements = judgements(rollout, service);
  evidence.n_canary = judge_.canary().n;
  evidence.n_stable = judge_.stable().n;
  last_ = evidence;
  return evidence;
}

// In the order of the plan's gates.
std::vector<rollout::Judgement> RolloutWatch::judgements(const state::Rollout& rollout,
                                                         const route::Service& service) {
  const auto canary = rollout::read(*service.pools[service.guarded].live);
  const auto stable = rollout::read(*service.pools[service.rescue].live);
  auto all = judge_.look(canary, stable, service.pools[service.rescue].share > 0);
  in_flight_.push_back(canary.in_flight);
  if (in_flight_.size() > kBurst) in_flight_.pop_front();
  for (const auto& gate : rollout.plan.gates)
    if (gate.metric == "saturation")
      all.push_back(rollout::judge_saturation(gate, least_in_flight(), service.spec.limits.in_flight));
  for (const auto& gate : outside_) all.push_back(judgement_of(*gate));
  return all;
}

std::optional<std::uint64_t> RolloutWatch::least_in_flight() const {
  if (in_flight_.size() < kBurst) return std::nullopt;
  return *std::min_element(in_flight_.begin(), in_flight_.end());
}

}  // namespace sluice::core
