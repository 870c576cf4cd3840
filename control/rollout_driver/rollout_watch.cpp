#include "control/rollout_driver/rollout_watch.hpp"

#include <algorithm>

#include "control/rollout/looks.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/gate_kinds.hpp"
#include "proxy/observe/shadow.hpp"
#include "proxy/route/query.hpp"

namespace sluice::rollout_driver {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBurst = 5;  // readings of the requests in flight of which the least is judged

std::string trip_text(const observe::Breaker& breaker, const std::string& pool, bool mirrored) {
  return std::to_string(breaker.errors()) + " of the first answers of pool '" + pool + "'" +
         (mirrored ? " to mirrored requests" : "") + " were errors, more than luck explains" +
         (mirrored ? "" : "; its requests went elsewhere at once") + " (G6)";
}

bool is_shadow(const state::Rollout& rollout) {
  return rollout.phase == state::RolloutPhase::running && rollout.current().mirror > 0;
}

const observe::Shadow* shadow_of(const route::Service& service, const state::Rollout& rollout) {
  return is_shadow(rollout) && service.mirror ? service.mirror->shadow.get() : nullptr;
}

const observe::Breaker* breaker_of(const route::Service& service, const state::Rollout& rollout) {
  const observe::Shadow* shadow = shadow_of(service, rollout);
  return shadow ? shadow->breaker.get() : service.breaker.get();
}

using Cohort = observe::PerWorker<observe::CohortCounters>;

// What is known by users of a reading, where keys tell them apart.
void add_cells(rollout::Reading& reading, const route::Trial* trial, Cohort observe::TrialCounters::*cohort) {
  if (!trial || !trial->by_users) return;
  reading.cells = rollout::read_cells((*trial->counted).*cohort);
  reading.cells_seen = trial->counted->cells_seen();
}

rollout::Reading read_cohort(const route::Trial& trial, Cohort observe::TrialCounters::*cohort) {
  rollout::Reading reading = rollout::read((*trial.counted).*cohort);
  add_cells(reading, &trial, cohort);
  return reading;
}

// Of the new pool: users' requests, or in a step without a share the mirrored ones. Before the first step of
// the stable pool's users that are to move.
rollout::Reading canary_of(const route::Service& service, const state::Rollout& rollout) {
  if (const observe::Shadow* shadow = shadow_of(service, rollout)) return rollout::read(shadow->live);
  const route::Trial* trial = service.trial.get();
  if (trial && trial->canary) {
    rollout::Reading reading = read_cohort(*trial, &observe::TrialCounters::canary);
    reading.is_cohort = true;
    return reading;
  }
  rollout::Reading reading = rollout::read(*service.pools[service.watched_pool].live);
  add_cells(reading, trial, &observe::TrialCounters::canary);
  return reading;
}

// Whom it is compared with: the stable pool, or a cohort of its users. Where users are told apart, without
// those whom the breaker keeps out of the new pool.
rollout::Reading stable_of(const route::Service& service) {
  const route::Trial* trial = service.trial.get();
  if (!trial || (!trial->control && !trial->by_users))
    return rollout::read(*service.pools[service.rescue].live);
  rollout::Reading reading = read_cohort(*trial, &observe::TrialCounters::control);
  reading.is_cohort = trial->control != nullptr;
  return reading;
}

// A query without a name is named by its number.
std::vector<config::GateSpec> named(std::vector<config::GateSpec> gates) {
  int number = 0;
  for (auto& gate : gates)
    if (!gate.prometheus.empty()) {
      ++number;
      if (gate.name.empty()) gate.name = "query " + std::to_string(number);
    }
  return gates;
}

}  // namespace

bool RolloutWatch::tripped(const route::Service& service, const state::Rollout& rollout) {
  const observe::Breaker* breaker = breaker_of(service, rollout);
  return breaker && breaker->tripped();
}

io::Environment environment_of(const route::Service& service, const route::Pool& pool, std::uint32_t step,
                               Share share, Share mirror) {
  std::string names, addresses;
  for (const auto& backend : pool.backends) {
    if (backend.admin != observe::Admin::ready) continue;
    names += (names.empty() ? "" : " ") + backend.name;
    addresses += (addresses.empty() ? "" : " ") + backend.address;
  }
  io::Environment made{{"SLUICE_SERVICE", service.spec.name},
                       {"SLUICE_POOL", pool.name},
                       {"SLUICE_STEP", std::to_string(step)},
                       {"SLUICE_SHARE", format_share(share)},
                       {"SLUICE_BACKENDS", names},
                       {"SLUICE_ADDRESSES", addresses}};
  if (mirror > 0) made.emplace_back("SLUICE_MIRROR", format_share(mirror));
  return made;
}

milliseconds asking_interval(milliseconds hold) {
  return std::clamp(hold / 4, milliseconds(200), milliseconds(10'000));
}

RolloutWatch::RolloutWatch(const state::Rollout& rollout, const route::Service& service)
    : id_(rollout.id),
      phase_(rollout.phase),
      step_(rollout.step),
      step_began_(rollout.step_began),
      interval_(rollout::looking_interval(phase_ == state::RolloutPhase::running ? rollout.current().hold
                                                                                 : rollout.plan.aa_time())),
      judge_(rollout.plan.gates, rollout.plan.steps.size()) {
  judge_.begin(canary_of(service, rollout), stable_of(service));
  if (service.trial && service.trial->canary) {
    reversed_.emplace(rollout.plan.gates, rollout.plan.steps.size());
    reversed_->begin(stable_of(service), canary_of(service, rollout));
  }
  if (phase_ != state::RolloutPhase::running) return;
  for (const auto& gate : named(rollout.plan.gates)) {
    if (!is_external(gate)) continue;
    auto& made = gates_.emplace_back(std::make_shared<ExternalGate>());
    made->gate = gate;
    made->began = began_;
    made->environment = environment_of(service, service.pools[service.watched_pool], rollout.step + 1,
                                       rollout.current().share, rollout.current().mirror);
    made->interval = asking_interval(rollout.current().hold);
  }
}

bool RolloutWatch::is_of(const state::Rollout& rollout) const {
  return rollout.id == id_ && rollout.phase == phase_ && rollout.step == step_ &&
         rollout.step_began == step_began_;
}

milliseconds RolloutWatch::in_step(io::Clock::time_point now) const {
  return std::chrono::duration_cast<milliseconds>(now - began_);
}

rollout::Evidence RolloutWatch::look(const state::Rollout& rollout, const route::Service& service,
                                     io::Clock::time_point now) {
  next_look_ = now + interval_;
  const route::Pool& canary = service.pools[service.watched_pool];
  rollout::Evidence evidence;
  evidence.in_step = in_step(now);
  evidence.tripped = tripped(service, rollout);
  if (evidence.tripped)
    evidence.trip_text = trip_text(*breaker_of(service, rollout), canary.name, is_shadow(rollout));
  evidence.eligible = eligible_count(canary);
  evidence.verified = *verified_;
  evidence.stable_has_share = service.pools[service.rescue].share > 0;
  evidence.judgements = judgements(rollout, service);
  if (reversed_) evidence.reversed = reversed_->look(stable_now(service), canary_now(rollout, service));
  evidence.n_canary = judge_.canary().n;
  evidence.n_stable = judge_.stable().n;
  last_ = evidence;
  return evidence;
}

rollout::Reading RolloutWatch::canary_now(const state::Rollout& rollout,
                                          const route::Service& service) const {
  return canary_of(service, rollout) + before_canary_;
}

rollout::Reading RolloutWatch::stable_now(const route::Service& service) const {
  return stable_of(service) + before_stable_;
}

rollout::KnownStep RolloutWatch::known(const state::Rollout& rollout, const route::Service& service) const {
  return {service.spec.name,
          id_,
          phase_,
          step_,
          step_began_,
          began_,
          judge_.seen(canary_now(rollout, service), stable_now(service))};
}

// The step cannot have begun later than now: such a moment is another clock's.
void RolloutWatch::go_on(const rollout::KnownStep& known) {
  began_ = std::min(known.began, began_);
  for (const auto& gate : gates_) gate->began = began_;
  before_canary_ = known.seen.canary;
  before_stable_ = known.seen.stable;
  judge_.go_on(known.seen);
  if (reversed_) reversed_->go_on({known.seen.stable, known.seen.canary, {}});
}

// In the order of the plan's gates.
std::vector<rollout::Judgement> RolloutWatch::judgements(const state::Rollout& rollout,
                                                         const route::Service& service) {
  const auto canary = canary_now(rollout, service);
  const auto stable = stable_now(service);
  auto all = judge_.look(canary, stable, service.pools[service.rescue].share > 0);
  if (phase_ == state::RolloutPhase::running && rollout::counts_nothing(rollout.current())) all.clear();
  in_flight_.push_back(canary.in_flight);
  if (in_flight_.size() > kBurst) in_flight_.pop_front();
  for (const auto& gate : rollout.plan.gates)
    if (gate.metric == "saturation")
      all.push_back(rollout::judge_saturation(gate, least_in_flight(), service.spec.limits.in_flight));
  for (const auto& gate : rollout.plan.gates)
    if (is_rollback_ready(gate)) all.push_back(rollout::judge_way_back(gate, way_back));
  for (const auto& gate : gates_) all.push_back(judgement_of(*gate));
  return all;
}

std::optional<std::uint64_t> RolloutWatch::least_in_flight() const {
  if (in_flight_.size() < kBurst) return std::nullopt;
  return *std::min_element(in_flight_.begin(), in_flight_.end());
}

}  // namespace sluice::rollout_driver
