// Makes batches of the workers' spans, on a thread of its own: so many spans, or those of a second. It takes
// no more out of the rings than finds room; there they are dropped and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "proxy/observe/spans.hpp"

namespace sluice::tracing {

struct Batch {
  std::string spans;  // as OTLP has them, with commas between
  std::size_t count = 0;
};

class Batcher {
 public:
  static constexpr std::size_t kMost = 512;       // spans of a batch
  static constexpr std::chrono::seconds kAge{1};  // of its first
  static constexpr std::size_t kMostWaiting = 4;  // batches

  // `give` gets each batch, on the thread; `waiting` counts those that were given, and whoever gets them
  // counts down. All outlive it. Requires: the rings are made.
  Batcher(observe::Spans& spans, std::atomic<std::size_t>& waiting, std::function<void(Batch)> give);
  // What is there goes into last batches, then the thread ends.
  ~Batcher();

 private:
  void run();
  bool gather();
  void give_if_due(bool last);

  observe::Spans& spans_;
  std::atomic<std::size_t>& waiting_;
  const std::function<void(Batch)> give_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool stop_ = false;  // under mutex_
  // thread only
  Batch batch_;
  std::chrono::steady_clock::time_point since_{};

  std::thread thread_;
};

}  // namespace sluice::tracing
