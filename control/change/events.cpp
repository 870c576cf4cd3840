#include "control/change/events.hpp"

#include <algorithm>

namespace sluice::change {

namespace asio = boost::asio;

EventLog::EventLog(asio::any_io_executor loop) : notifier_(std::move(loop)) {}

void EventLog::add(std::string type, std::string service, std::string text, boost::json::object detail) {
  kept_.push_back({next_++, std::chrono::system_clock::now(), std::move(type), std::move(service),
                   std::move(text), std::move(detail)});
  if (kept_.size() > kKept) kept_.pop_front();
  notifier_.notify();
  if (on_added) on_added(kept_.back());
}

EventLog::Slice EventLog::after(std::uint64_t id) const {
  Slice slice;
  if (kept_.empty()) return slice;
  const std::uint64_t first = kept_.front().id;
  if (id + 1 < first) slice.lost = first - id - 1;
  const auto begin =
      std::find_if(kept_.begin(), kept_.end(), [id](const Event& event) { return event.id > id; });
  slice.events.assign(begin, kept_.end());
  return slice;
}

asio::awaitable<bool> EventLog::wait_after(std::uint64_t id, std::chrono::milliseconds limit) {
  const auto deadline = io::Clock::now() + limit;
  while (!closed_ && last_id() <= id)
    if (!co_await notifier_.wait_until(deadline)) break;
  co_return !closed_ && last_id() > id;
}

void EventLog::close() {
  closed_ = true;
  notifier_.notify();
}

}  // namespace sluice::change
