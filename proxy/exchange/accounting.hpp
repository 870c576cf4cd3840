// What is counted of one request: for its pool, its backend, its service and the rollout that judges it (G4,
// S9, H3). Worker only.
#pragma once

#include <cstdint>

#include "proxy/base/failure.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::exchange {

// How a request ended, as far as the counters ask.
struct Ending {
  int status = 0;        // that the client got; 0: none
  bool aborted = false;  // the client left
  bool rescued = false;  // another pool answered for the chosen one
  bool tunnel = false;   // or a gRPC call that was as long as one
};

class Accounting {
 public:
  Accounting(Context& context, const Plan& plan);

  net::Clock::time_point began() const { return began_; }
  // The pause is over: the time that the pool is judged by begins now (P1).
  void left_pause() { routed_ = net::Clock::now(); }
  // The plan has a chosen pool from now on.
  void decided();
  void attempt_began(upstream::Backend& backend);
  void answer_began() {
    if (timed_) answer_began_ = net::Clock::now();
  }
  // An attempt ended: with `status` (0: no answer) or as `failure` says. `backend` null: none could be
  // claimed.
  void attempt_ended(Failure failure, int status, const upstream::WorkerPool& asked,
                     upstream::Backend* backend);
  // An attempt was a gRPC call and came out so.
  void call_ended(GrpcStatus status, const upstream::WorkerPool& asked);
  // For a file that the chosen pool did not have: another pool had it, or none did.
  void looked_elsewhere(bool found) { chosen_counters().assets[found ? 0 : 1].add(); }
  void retried() { chosen_counters().retries.add(); }
  // The request takes part in the budget of retries until leave_budget().
  void join_budget() { service_counters().retry_in_flight.add(); }
  void leave_budget() { service_counters().retry_in_flight.sub(); }
  void no_backend() { chosen_counters().no_backend.add(); }
  void rate_limited() { service_counters().rate_limited.add(); }
  void answered_ourselves(std::string_view reason);
  void ended(const Ending& ending);

  // Of the attempt that was answered; 0: none was, or no log asks.
  std::uint64_t upstream_micros() const;

 private:
  observe::PoolCounters& counters_of(const upstream::WorkerPool& pool) const;
  observe::PoolCounters& chosen_counters() const { return counters_of(*plan_.chosen); }
  observe::ServiceCounters& service_counters() const {
    return plan_.live().per_worker[context_.worker.worker];
  }
  void count_first(bool failed, int status);
  void tell_breaker(observe::Breaker& breaker, bool failed);
  void leave_breaker();
  void join_trial(const route::Trial& trial);
  observe::CohortCounters& cohort() const;

  Context& context_;
  const Plan& plan_;
  const net::Clock::time_point began_ = net::Clock::now();
  net::Clock::time_point routed_ = began_;
  net::Clock::time_point attempt_began_{}, answer_began_{};
  const bool timed_;            // attempts, for the access log
  bool first_counted_ = false;  // the chosen pool's first attempt has been judged
  bool in_breaker_ = false;     // the breaker counts the request among those without an answer
  route::Trial::Arm arm_ = route::Trial::Arm::none;  // in which it counts for a rollout's judge
};

}  // namespace sluice::exchange
