#include "proxy/exchange/accounting.hpp"

#include "proxy/client/access_line.hpp"

namespace sluice::exchange {

using client::micros;
using net::Clock;

namespace {

// The backend's doing (G4); a client that left or was cut says nothing about the backend.
bool is_upstream(FailureKind kind) {
  return kind == FailureKind::connect || kind == FailureKind::reset || kind == FailureKind::timeout ||
         kind == FailureKind::protocol || kind == FailureKind::status;
}

int error_index(FailureKind kind) {
  if (kind == FailureKind::connect) return static_cast<int>(observe::UpstreamError::connect);
  if (kind == FailureKind::reset) return static_cast<int>(observe::UpstreamError::reset);
  if (kind == FailureKind::timeout) return static_cast<int>(observe::UpstreamError::timeout);
  if (kind == FailureKind::protocol) return static_cast<int>(observe::UpstreamError::protocol);
  return -1;
}

std::size_t class_of(int status) { return static_cast<std::size_t>(status) / 100; }

}  // namespace

Accounting::Accounting(Context& context, const Plan& plan)
    : context_(context), plan_(plan), timed_(context.worker.access_log && context.worker.access_log->on()) {}

observe::PoolCounters& Accounting::counters_of(const upstream::WorkerPool& pool) const {
  observe::PoolLive& live = *pool.pool->live;
  return (route::is_override(plan_.decision.by) ? live.previews : live.per_worker)[context_.worker.worker];
}

void Accounting::decided() {
  in_breaker_ = plan_.breaker != observe::Breaker::Entry::refused;
  if (plan_.routed().trial) join_trial(*plan_.routed().trial);
  chosen_counters().requests.add();
  chosen_counters().in_flight.add();
}

void Accounting::attempt_began(upstream::Backend& backend) {
  if (timed_) attempt_began_ = Clock::now();
  backend.counters().requests.add();
}

// The chosen pool's first attempt is what it is judged by (S9, G4): what a retry or a rescue hid still
// counts.
void Accounting::count_first(bool failed, int status) {
  first_counted_ = true;
  if (failed) chosen_counters().errors.add();
  if (plan_.routed().breaker) tell_breaker(*plan_.routed().breaker, failed);
  if (arm_ != route::Trial::Arm::none) cohort().attempt(plan_.cell(), failed);
  chosen_counters().by_class[status > 0 ? class_of(status) : 5].add();
}

void Accounting::attempt_ended(Failure failure, int status, const upstream::WorkerPool& asked,
                               upstream::Backend* backend) {
  const bool failed = is_upstream(failure.kind) || failure.kind == FailureKind::no_backend || status >= 500;
  if (const int index = error_index(failure.kind); index >= 0)
    counters_of(asked).upstream_errors[static_cast<std::size_t>(index)].add();
  if (!first_counted_ && (failed || status > 0)) count_first(failed, status);
  if (!backend) return;
  auto& consecutive = backend->live().consecutive_errors;
  if (failed) {
    backend->counters().errors.add();
    const auto limit = static_cast<std::uint32_t>(plan_.spec().outlier.consecutive_errors);
    const auto count = consecutive.fetch_add(1, std::memory_order_relaxed) + 1;
    if (limit > 0 && count % limit == 0) context_.suspect(backend->id());
  } else if (status > 0 && consecutive.load(std::memory_order_relaxed) != 0) {
    consecutive.store(0, std::memory_order_relaxed);
  }
}

void Accounting::call_ended(GrpcStatus status, const upstream::WorkerPool& asked) {
  counters_of(asked).grpc[static_cast<std::size_t>(status)].add();
}

void Accounting::join_trial(const route::Trial& trial) {
  const route::Decision& decision = plan_.decision;
  if (route::is_override(decision.by)) return;
  if (trial.by_users) trial.counted->see(plan_.cell());
  if (plan_.is_kept_out) return;  // what he is spared counts for nobody
  arm_ = trial.arm_of(decision.pool, decision.place, decision.by == route::DecisionSource::key);
}

// Requires: an arm.
observe::CohortCounters& Accounting::cohort() const {
  observe::TrialCounters& counted = *plan_.routed().trial->counted;
  return (arm_ == route::Trial::Arm::canary ? counted.canary : counted.control)[context_.worker.worker];
}

void Accounting::tell_breaker(observe::Breaker& breaker, bool failed) {
  const route::Decision& decision = plan_.decision;
  const bool stable = decision.pool == plan_.routed().rescue && !plan_.is_kept_out;
  if (in_breaker_)
    breaker.count(failed, decision.place, plan_.is_alone());
  else if (stable && !route::is_override(decision.by))
    breaker.count_stable(failed);
  leave_breaker();
}

void Accounting::leave_breaker() {
  if (!in_breaker_) return;
  in_breaker_ = false;
  plan_.routed().breaker->leave(plan_.breaker);
}

void Accounting::answered_ourselves(std::string_view reason) {
  if (plan_.service) service_counters().own_errors.add();
  context_.worker.counters.count_refused(reason);
}

void Accounting::ended(const Ending& ending) {
  if (plan_.service && ending.status > 0) service_counters().to_client[class_of(ending.status)].add();
  leave_breaker();
  if (!plan_.chosen) return;
  auto& counters = chosen_counters();
  // Before it counts as ended: whoever sees that nothing is under way has seen all (change::PoolSums).
  if (!ending.tunnel) {
    const std::uint64_t took = micros(Clock::now() - routed_);
    counters.duration.record(took);
    if (arm_ != route::Trial::Arm::none) cohort().answered(plan_.cell(), took);
  }
  counters.in_flight.sub();
  if (ending.aborted) counters.aborted.add();
  if (ending.rescued) counters.rescued.add();
}

std::uint64_t Accounting::upstream_micros() const {
  return answer_began_ > attempt_began_ ? micros(answer_began_ - attempt_began_) : 0;
}

}  // namespace sluice::exchange
