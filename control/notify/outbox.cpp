#include "control/notify/outbox.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::notify {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Message more_of_nothing() {
  Message message;
  message.kind = Message::Kind::more;
  return message;
}

}  // namespace

Outbox::Outbox(std::uint32_t per_minute, milliseconds group_wait)
    : per_minute_(per_minute), group_wait_(group_wait), untold_(more_of_nothing()) {}

void Outbox::set_limits(std::uint32_t per_minute, milliseconds group_wait) {
  per_minute_ = per_minute;
  group_wait_ = group_wait;
}

void Outbox::add(Notice notice, Clock::time_point now) {
  if (!comes_in_numbers(notice.kind) || group_wait_.count() == 0)
    return enqueue(message_of(std::move(notice)), now);
  const auto found = gathered_.find(notice.kind);
  if (found != gathered_.end()) return found->second.message.add(std::move(notice));
  const NoticeKind kind = notice.kind;
  gathered_.emplace(kind, Waiting{message_of(std::move(notice)), now});
}

const Message* Outbox::next(Clock::time_point now) {
  assert(!sent_);
  close_groups(now);
  tell_untold(now);
  if (queue_.empty() || now < not_before_) return nullptr;
  sent_ = std::move(queue_.front());
  queue_.pop_front();
  return &sent_->message;
}

std::optional<Clock::time_point> Outbox::due() const {
  std::optional<Clock::time_point> nearest;
  const auto take = [&nearest](Clock::time_point time) { nearest = std::min(nearest.value_or(time), time); };
  for (const auto& [kind, group] : gathered_) take(group.since + group_wait_);
  if (!queue_.empty()) take(not_before_);
  if (untold_.count() > 0 && queue_.empty())
    take(std::max(next_numbers(),
                  taken_.size() < per_minute_ ? Clock::time_point{} : taken_.front() + kMinute));
  return nearest;
}

void Outbox::delivered() {
  failures_ = 0;
  not_before_ = {};
  if (sent_->message.kind != Message::Kind::more) results_.delivered += sent_->message.count();
  sent_.reset();
}

// A target that answers is not one that is away: the next message is tried at once.
void Outbox::refused() {
  failures_ = 0;
  not_before_ = {};
  if (sent_->message.kind != Message::Kind::more) results_.failed += sent_->message.count();
  sent_.reset();
}

// The numbers of what was not told are kept for as long as it takes.
bool Outbox::failed(Clock::time_point now, std::optional<seconds> wait) {
  constexpr int kMostDoublings = 6;  // 64 s between two tries, unless the target asks for more
  const seconds backoff(1 << std::min(failures_++, kMostDoublings));
  not_before_ = now + std::max(backoff, std::min<seconds>(wait.value_or(seconds(0)), kLife));
  Waiting tried = std::move(*sent_);
  sent_.reset();
  const bool again = tried.message.kind == Message::Kind::more || now - tried.since < kLife;
  if (again)
    queue_.push_front(std::move(tried));
  else
    leave_out(tried.message, results_.failed);
  return again;
}

void Outbox::hurry(Clock::time_point now) {
  for (auto& [kind, group] : std::exchange(gathered_, {})) put(std::move(group.message), now);
  if (untold_.count() > 0) put(std::exchange(untold_, more_of_nothing()), now);
  not_before_ = {};
}

void Outbox::forget_failures() {
  failures_ = 0;
  not_before_ = {};
}

std::vector<Message> Outbox::take_all() {
  std::vector<Message> all;
  if (sent_) all.push_back(std::move(sent_->message));
  for (auto& waiting : queue_) all.push_back(std::move(waiting.message));
  for (auto& [kind, group] : gathered_) all.push_back(std::move(group.message));
  if (untold_.count() > 0) all.push_back(std::exchange(untold_, more_of_nothing()));
  sent_.reset();
  queue_.clear();
  gathered_.clear();
  for (const auto& message : all)
    if (message.kind != Message::Kind::more) results_.failed += message.count();
  return all;
}

std::size_t Outbox::queued() const {
  std::size_t all = 0;
  for (const auto& [kind, group] : gathered_) all += group.message.count();
  for (const auto& waiting : queue_) all += waiting.message.count();
  return all + (sent_ ? sent_->message.count() : 0);
}

// What was left out before goes first, or it would never have its turn where there is always more.
void Outbox::enqueue(Message message, Clock::time_point now) {
  tell_untold(now);
  if (!has_room(now)) return leave_out(message, results_.limited);
  put(std::move(message), now);
}

void Outbox::put(Message message, Clock::time_point now) {
  if (queue_.size() >= kMostQueued) {
    leave_out(queue_.front().message, results_.dropped);
    queue_.pop_front();
  }
  taken_.push_back(now);
  queue_.push_back({std::move(message), now});
}

void Outbox::leave_out(const Message& message, std::uint64_t& as) {
  for (std::size_t i = 0; i < kKinds; ++i) untold_.counts[i] += message.counts[i];
  untold_.time = std::max(untold_.time, message.time);
  if (message.kind != Message::Kind::more) as += message.count();  // of those it was said before
}

// Once a minute, so that where there is always more, the rest of the limit is for what is new.
Clock::time_point Outbox::next_numbers() const {
  return told_numbers_ ? *told_numbers_ + kMinute : Clock::time_point{};
}

// When all else is sent.
void Outbox::tell_untold(Clock::time_point now) {
  if (untold_.count() == 0 || !queue_.empty() || sent_ || now < next_numbers() || !has_room(now)) return;
  told_numbers_ = now;
  put(std::exchange(untold_, more_of_nothing()), now);
}

bool Outbox::has_room(Clock::time_point now) {
  while (!taken_.empty() && now - taken_.front() >= kMinute) taken_.pop_front();
  return taken_.size() < per_minute_;
}

void Outbox::close_groups(Clock::time_point now) {
  for (auto at = gathered_.begin(); at != gathered_.end();) {
    if (now - at->second.since < group_wait_) {
      ++at;
      continue;
    }
    Message message = std::move(at->second.message);
    at = gathered_.erase(at);
    enqueue(std::move(message), now);
  }
}

}  // namespace sluice::notify
