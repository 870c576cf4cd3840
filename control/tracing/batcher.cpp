#include "control/tracing/batcher.hpp"

#include <utility>

#include "control/tracing/otlp.hpp"
#include "proxy/base/signal_mask.hpp"

namespace sluice::tracing {

using Clock = std::chrono::steady_clock;

namespace {
constexpr std::chrono::milliseconds kPoll{50};  // how long a span may wait in a ring
}

Batcher::Batcher(observe::Spans& spans, std::atomic<std::size_t>& waiting, std::function<void(Batch)> give)
    : spans_(spans), waiting_(waiting), give_(std::move(give)) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Batcher::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool last = stop_;
    lock.unlock();
    while ((last || waiting_.load() < kMostWaiting) && gather()) give_if_due(false);
    give_if_due(last);
    lock.lock();
    if (last) return;
    ended_.wait_for(lock, kPoll, [this] { return stop_; });
  }
}

// False when the rings are empty.
bool Batcher::gather() {
  const auto add = [this](const observe::SpanRecord& span) { append_span(batch_.spans, span); };
  const std::size_t count = spans_.drain(add, kMost - batch_.count);
  if (batch_.count == 0) since_ = Clock::now();
  batch_.count += count;
  return count > 0;
}

void Batcher::give_if_due(bool last) {
  if (batch_.count == 0) return;
  if (!last && batch_.count < kMost && Clock::now() - since_ < kAge) return;
  waiting_.fetch_add(1);
  give_(std::exchange(batch_, {}));
}

}  // namespace sluice::tracing
