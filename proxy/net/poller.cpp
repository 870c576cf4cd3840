#include "proxy/net/poller.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::net {

Poller::Poller() {
  set_ = ::epoll_create1(EPOLL_CLOEXEC);
  wakeup_ = set_ < 0 ? -1 : ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = this;  // the wakeup; no entry has this address
  if (wakeup_ >= 0 && ::epoll_ctl(set_, EPOLL_CTL_ADD, wakeup_, &event) == 0) return;
  const int error = errno;
  if (wakeup_ >= 0) ::close(wakeup_);
  if (set_ >= 0) ::close(set_);
  throw std::system_error(error, std::generic_category(), "a worker's epoll set");
}

Poller::~Poller() {
  ::close(wakeup_);
  ::close(set_);
}

bool Poller::add(int fd, Entry& entry) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &entry;
  return ::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, Entry& entry) {
  epoll_event ignored{};
  ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, &ignored);
  for (epoll_event& event : being_dispatched_)
    if (event.data.ptr == &entry) event.data.ptr = nullptr;
  forget(entry);
}

void Poller::forget(Entry& entry) {
  std::replace(sends_.begin(), sends_.end(), &entry, static_cast<Entry*>(nullptr));
  if (entry.late_) {
    entry.late_ = false;
    std::replace(late_.begin(), late_.end(), &entry, static_cast<Entry*>(nullptr));
  }
  if (!entry.deferred_) return;
  entry.deferred_ = false;
  std::replace(deferred_.begin(), deferred_.end(), &entry, static_cast<Entry*>(nullptr));
  std::replace(running_.begin(), running_.end(), &entry, static_cast<Entry*>(nullptr));
}

void Poller::defer(Entry& entry) {
  if (entry.deferred_) return;
  entry.deferred_ = true;
  push(deferred_, entry);
}

[[gnu::noinline]] void Poller::push_growing(std::vector<Entry*>& list, Entry& entry) {
  list.push_back(&entry);
}

void Poller::defer_late(Entry& entry) {
  if (entry.late_) return;
  entry.late_ = true;
  late_.push_back(&entry);
}

bool Poller::wait(std::chrono::milliseconds timeout) {
  const bool more = !deferred_.empty() || !resumable_.empty() || !sends_.empty() || !late_.empty();
  const int count = ::epoll_wait(set_, events_, kBatch, more ? 0 : static_cast<int>(timeout.count()));
  woken_ = false;
  if (count > 0) dispatch({events_, static_cast<std::size_t>(count)});
  run_deferred();
  run_sends();
  if (!late_.empty()) run_late();
  return woken_;
}

void Poller::dispatch(std::span<epoll_event> events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    void* const target = events[i].data.ptr;
    if (!target) continue;
    if (target == this) {
      take_wakeup();
      continue;
    }
    being_dispatched_ = events.subspan(i + 1);
    static_cast<Entry*>(target)->on_events(events[i].events);
  }
  being_dispatched_ = {};
}

void Poller::run_deferred() {
  running_.swap(deferred_);
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Entry* entry = running_[i];
    if (!entry) continue;
    running_[i] = nullptr;
    entry->deferred_ = false;
    entry->on_deferred();
  }
  running_.clear();
  resuming_.swap(resumable_);
  for (const auto waiting : resuming_) waiting.resume();
  resuming_.clear();
}

// What is sent may let others write: they go in the same round.
void Poller::run_sends() {
  for (std::size_t i = 0; i < sends_.size(); ++i)
    if (Entry* entry = std::exchange(sends_[i], nullptr)) entry->on_send();
  sends_.clear();
}

// One of them may end another one: forget() finds it as long as it stands in the list.
void Poller::run_late() {
  const std::size_t count = std::min(late_.size(), kLateTurns);
  for (std::size_t i = 0; i < count; ++i) {
    Entry* const entry = std::exchange(late_[i], nullptr);
    if (!entry) continue;
    entry->late_ = false;
    entry->on_late();
  }
  late_.erase(late_.begin(), late_.begin() + static_cast<std::ptrdiff_t>(count));
  run_sends();
}

void Poller::wake() {
  if (wakeup_pending_.exchange(true)) return;  // already on its way
  const std::uint64_t one = 1;
  while (::write(wakeup_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Poller::take_wakeup() {
  std::uint64_t ignored;
  while (::read(wakeup_, &ignored, sizeof ignored) < 0 && errno == EINTR) {
  }
  wakeup_pending_ = false;  // before the mailbox is read: what is posted from here on wakes again
  woken_ = true;
}

}  // namespace sluice::net
