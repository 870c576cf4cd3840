#include "control/rehearse/rehearsal.hpp"

#include <algorithm>
#include <random>

#include "control/rehearse/log_book.hpp"
#include "control/rollout/breaker.hpp"
#include "control/rollout/format.hpp"
#include "control/rollout/limit.hpp"
#include "control/rollout/looks.hpp"
#include "control/rollout/transitions.hpp"

namespace sluice::rehearse {
namespace {

// A whole look takes the judge milliseconds. So many of a step are taken when the daemon takes them; while
// the step still waits then, the next ones are a hundredth of its age apart.
constexpr std::uint64_t kWholeLooks = 200;

state::State state_for(const Setup& setup) {
  config::ServiceSpec spec;
  spec.name = setup.service;
  spec.pools.resize(2);
  spec.pools[0].name = setup.from;
  spec.pools[1].name = setup.to;
  spec.split = {{setup.from, kWhole}, {setup.to, 0}};
  spec.stable = setup.from;
  state::State state;
  state.put(state::from_spec(spec));
  return state;
}

}  // namespace

std::vector<std::string> leave_out(config::PlanSpec& plan) {
  std::vector<std::string> notes;
  std::erase_if(plan.gates, [&notes](const config::GateSpec& gate) {
    if (rollout::is_counted(gate)) return false;
    const std::string what = !gate.exec.empty()         ? "exec " + gate.exec
                             : !gate.http.empty()       ? "http " + gate.http
                             : !gate.prometheus.empty() ? "the query of Prometheus"
                                                        : gate.metric;
    notes.push_back("gate " + what + " cannot be asked of a log: it is taken to pass");
    return true;
  });
  for (auto& step : plan.steps) {
    if (step.approve)
      notes.push_back("step " + format_share(step.share) + " wants approval: it is taken to have it");
    step.approve = false;
  }
  if (!plan.verify.empty()) notes.push_back("the checks before the first share are taken to pass");
  plan.verify.clear();
  // A log has no users, and of the cohort nothing apart.
  if (plan.equal_control)
    notes.push_back(
        "control: equal needs users, whom a log does not tell apart: compared with all of the stable pool, "
        "without A/A");
  plan.equal_control = false;
  return notes;
}

Rehearsal::Rehearsal(Setup setup)
    : setup_(std::move(setup)),
      state_(state_for(setup_)),
      judge_(setup_.plan.gates, setup_.plan.steps.size()),
      breaker_(rollout::breaker_for(setup_.plan, setup_.stable)) {}

std::optional<protocol::Problem> Rehearsal::begin(std::int64_t micros) {
  rollout::Start start;
  start.services = {{setup_.service, setup_.to}};
  start.plan = setup_.plan;
  auto begun = rollout::start(state_, start, micros / 1000);
  if (!begun) return begun.error();
  state_ = std::move(begun->next);
  first_ = micros;
  begin_step(micros);
  return std::nullopt;
}

void Rehearsal::begin_step(std::int64_t micros) {
  const auto& service = *state_.service(setup_.service);
  owners_ = service.slots.owners();
  to_ = 1;
  step_began_ = micros;
  looking_ = rollout::looking_interval(rollout().current().hold);
  next_look_ = micros;
  next_whole_look_ = micros;
  whole_looks_ = 0;
  judge_.begin(canary_, stable_);
}

bool Rehearsal::compare() const { return state_.service(setup_.service)->pool(setup_.from)->share > 0; }

void Rehearsal::look_until(std::int64_t micros) {
  while (!over_ && next_look_ <= micros) {
    const std::int64_t at = next_look_;
    next_look_ += std::chrono::microseconds(looking_).count();
    look(at);
  }
}

void Rehearsal::count(bool canary, bool error, std::uint16_t bucket, std::int64_t micros) {
  rollout::Reading& pool = canary ? canary_ : stable_;
  ++pool.attempts;
  pool.errors += error;
  count_latency(canary, bucket);
  if (!canary) return;
  breaker_->count(error);
  if (breaker_->tripped()) look(micros);
}

void Rehearsal::count_latency(bool canary, std::uint16_t bucket) {
  if (bucket == Seen::kNoTime) return;
  auto& latency = (canary ? canary_ : stable_).latency;
  ++latency.buckets[bucket];
  ++latency.count;
}

void Rehearsal::count_many(bool canary, const Many& many, std::uint64_t chance) {
  rollout::Reading& pool = canary ? canary_ : stable_;
  pool.attempts += many.answers;
  pool.errors += many.errors;
  for (const auto& [bucket, n] : many.latency) {
    pool.latency.buckets[bucket] += n;
    pool.latency.count += n;
  }
  if (!canary || many.answers == 0) return;
  // Good answers in a row after which the breaker has forgotten all errors.
  constexpr std::uint64_t kForgets = 64;
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(chance | 1));
  std::geometric_distribution<std::uint64_t> gap(
      std::min(1.0, static_cast<double>(many.errors) / static_cast<double>(many.answers)));
  for (std::uint64_t i = 0; i < many.errors && !breaker_->tripped(); ++i) {
    const std::uint64_t good = many.errors == many.answers ? 0 : std::min(kForgets, gap(random));
    for (std::uint64_t j = 0; j < good; ++j) breaker_->count(false);
    breaker_->count(true);
  }
  for (std::uint64_t j = 0; many.errors == 0 && j < std::min(kForgets, many.answers); ++j)
    breaker_->count(false);
}

// As RolloutWatch::look() and RolloutDriver::act() do it.
void Rehearsal::look(std::int64_t micros) {
  const auto& step = rollout().current();
  const auto in_step = std::chrono::milliseconds((micros - step_began_) / 1000);
  rollout::Evidence evidence;
  evidence.tripped = breaker_->tripped();
  const bool nothing = rollout::counts_nothing(step);
  const bool fails = !nothing && judge_.fails(canary_, stable_, compare());
  if (!evidence.tripped && !fails && (in_step < step.hold || micros < next_whole_look_)) return;
  if (++whole_looks_ > kWholeLooks) next_whole_look_ = micros + (micros - step_began_) / 100;
  evidence.in_step = in_step;
  evidence.trip_text = std::to_string(breaker_->errors()) + " of the first answers of pool '" + setup_.to +
                       "' were errors, more than luck explains (G6)";
  evidence.eligible = 1;
  evidence.judgements = judge_.look(canary_, stable_, compare());
  if (nothing) evidence.judgements.clear();
  evidence.n_canary = judge_.canary().n;
  evidence.n_stable = judge_.stable().n;
  evidence.stable_has_share = compare();
  auto decision = rollout::decide(rollout(), evidence);
  if (decision.act == rollout::Act::wait) return;
  const bool back = decision.act == rollout::Act::go_back;
  const std::int64_t time = micros / 1000;
  auto change =
      back ? rollout::go_back(state_, setup_.service, state::RolloutPhase::rolled_back, time, decision.why)
           : rollout::advance(state_, setup_.service, time, decision.why);
  end_step(micros, back ? StepTold::End::went_back : StepTold::End::passed, std::move(decision.why),
           std::move(evidence.judgements));
  state_ = std::move(change->next);
  over_ = !rollout().active();
  if (!over_) begin_step(micros);
}

void Rehearsal::end_step(std::int64_t micros, StepTold::End end, std::string why,
                         std::vector<rollout::Judgement> judgements) {
  const auto& step = rollout().current();
  StepTold told;
  told.step = rollout().step + 1;
  told.share = step.share;
  told.mirror = step.mirror;
  told.began = static_cast<double>(step_began_ - first_) * 1e-6;
  told.ended = static_cast<double>(micros - first_) * 1e-6;
  told.canary = judge_.canary();
  told.stable = judge_.stable();
  told.requests = requests_;
  told.end = end;
  told.why = std::move(why);
  told.judgements = std::move(judgements);
  steps_.push_back(std::move(told));
}

void Rehearsal::log_ended(std::int64_t micros) {
  if (!over_) look(micros);
  if (over_) return;
  rollout::Evidence evidence;
  evidence.in_step = std::chrono::milliseconds((micros - step_began_) / 1000);
  evidence.eligible = 1;
  evidence.judgements = judge_.look(canary_, stable_, compare());
  if (rollout::counts_nothing(rollout().current())) evidence.judgements.clear();
  evidence.n_canary = judge_.canary().n;
  evidence.n_stable = judge_.stable().n;
  evidence.stable_has_share = compare();
  auto decision = rollout::decide(rollout(), evidence);
  end_step(micros, StepTold::End::log_ended, std::move(decision.why), std::move(evidence.judgements));
  over_ = true;
}

}  // namespace sluice::rehearse
