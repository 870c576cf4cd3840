// What one request may have to wait for before it is sent: the end of a pause (P1), one of its service's
// slots, a slot on a backend. Holds the service's slot. Worker only.
#pragma once

#include "proxy/base/failure.hpp"
#include "proxy/base/task.hpp"
#include "proxy/exchange/concurrency.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/pause_queue.hpp"
#include "proxy/exchange/placement.hpp"
#include "proxy/exchange/plan.hpp"

namespace sluice::exchange {

class Waits {
 public:
  // All outlive it. `head`: by which the request is routed.
  Waits(Context& context, Plan& plan, Placement& placement, const http::RequestHead& head)
      : context_(context), plan_(plan), placement_(placement), head_(head) {}

  // Until the service is no longer paused; the request has waited since `began`. Then the request is routed
  // anew, by what is in force at that moment.
  Task<Failure> out_pause(net::Clock::time_point began);
  // One of the service's slots, if there is one at once. Else for_slot() is to be awaited.
  bool take_slot();
  Task<Failure> for_slot();
  // In the queue of a pool whose backends have all they may have, if there is such a pool. Afterwards there
  // is a claim.
  Task<Failure> for_backend();
  // Gives the service's slot back, if it was taken.
  void leave();
  // The client has left: what is waited for ends as `gone`.
  void cancel();

 private:
  class BackendWaiter;
  Task<PauseQueue::End> wait_in_pause(const route::Hold& hold, net::Clock::time_point began);
  Task<Concurrency::Entry> wait_in_queue(Concurrency::Waiter& waiter);

  Context& context_;
  Plan& plan_;
  Placement& placement_;
  const http::RequestHead& head_;
  bool has_slot_ = false;
  // In which queue the request waits, if it does.
  Concurrency::Waiter* in_queue_ = nullptr;
  PauseQueue::Waiter* in_pause_ = nullptr;
};

}  // namespace sluice::exchange
