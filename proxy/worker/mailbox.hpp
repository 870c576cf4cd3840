// What other threads ask of a worker: functions that it runs in a round of its own, in the order in which
// they were posted. Not on the way of a request, so a mutex will do.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy/net/poller.hpp"

namespace sluice::worker {

class Mailbox {
 public:
  // `poller` is the worker's; it outlives this.
  explicit Mailbox(net::Poller& poller) : poller_(poller) {}

  // Any thread. Nothing is run from inside.
  void post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(work));
    }
    poller_.wake();
  }
  // Runs what has been posted until now. The worker's thread, when the poller was woken.
  void run() {
    std::vector<std::function<void()>> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(posted_);
    }
    for (const auto& work : batch) work();
  }

 private:
  net::Poller& poller_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace sluice::worker
