#include "proxy/net/poller.hpp"

#include <boost/asio/post.hpp>
#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sluice::net {

Poller::Poller(asio::io_context& io) : io_(io), set_(io.get_executor()) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  set_.assign(fd);
  watch();
}

Poller::~Poller() = default;

bool Poller::add(int fd, Entry& entry) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &entry;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, Entry& entry) {
  epoll_event ignored{};
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, &ignored);
  for (epoll_event& event : being_dispatched_)
    if (event.data.ptr == &entry) event.data.ptr = nullptr;
  if (!entry.deferred_) return;
  entry.deferred_ = false;
  std::replace(deferred_.begin(), deferred_.end(), &entry, static_cast<Entry*>(nullptr));
  std::replace(running_.begin(), running_.end(), &entry, static_cast<Entry*>(nullptr));
}

void Poller::defer(Entry& entry) {
  if (entry.deferred_) return;
  entry.deferred_ = true;
  deferred_.push_back(&entry);
  if (deferred_posted_) return;
  deferred_posted_ = true;
  asio::post(io_, [this] { run_deferred(); });
}

void Poller::run_deferred() {
  deferred_posted_ = false;
  running_.swap(deferred_);
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Entry* entry = running_[i];
    if (!entry) continue;
    running_[i] = nullptr;
    entry->deferred_ = false;
    entry->on_deferred();
  }
  running_.clear();
}

void Poller::stop() {
  ErrorCode ignored;
  set_.cancel(ignored);
}

void Poller::watch() {
  set_.async_wait(set_.wait_read, [this](const ErrorCode& error) {
    if (error) return;
    poll();
    watch();
  });
}

void Poller::poll() {
  for (;;) {
    const int count = ::epoll_wait(set_.native_handle(), events_, kBatch, 0);
    if (count <= 0) return;
    dispatch({events_, static_cast<std::size_t>(count)});
    // A full batch: more is ready. Timers and control wait behind at most this one.
    if (count < kBatch) return;
  }
}

void Poller::dispatch(std::span<epoll_event> events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto* entry = static_cast<Entry*>(events[i].data.ptr);
    if (!entry) continue;
    being_dispatched_ = events.subspan(i + 1);
    entry->on_events(events[i].events);
  }
  being_dispatched_ = {};
}

}  // namespace sluice::net
