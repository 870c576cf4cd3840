// Requests of a connection that stand alike, in the order in which they came to do so. Worker only.
#pragma once

#include <cstddef>

#include "proxy/net/timer_wheel.hpp"

namespace sluice::upstream {

// A request's place in such a list; it is in one at most.
struct RequestHook : net::WheelHook {};

class RequestList {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Requires: not empty.
  RequestHook& front() { return static_cast<RequestHook&>(*first_.next); }
  void push_back(RequestHook& request) {
    request.link_before(first_);
    ++size_;
  }
  // Requires: it is in this list.
  void remove(RequestHook& request) {
    request.unlink();
    --size_;
  }
  // Goes through all; who is visited may leave.
  template <class Visit>
  void each(Visit visit) {
    for (net::WheelHook* hook = first_.next; hook != &first_;) {
      net::WheelHook* const following = hook->next;
      visit(static_cast<RequestHook&>(*hook));
      hook = following;
    }
  }

 private:
  RequestHook first_;  // before the first and behind the last
  std::size_t size_ = 0;
};

}  // namespace sluice::upstream
