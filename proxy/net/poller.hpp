// Readiness of the streams of one worker: an edge-triggered epoll set of our own inside Asio's loop.
//
// Why not Asio's own socket operations: each of their reads first tries a recv that finds nothing (Boost 1.81 starts every
// buffered read speculatively), which is two system calls a request for nothing (strace: 4 recvfrom a request, 2 of them
// EAGAIN), and the bookkeeping of an operation costs as much again. Here a read is armed by storing a pointer, and one
// epoll_wait serves a batch of connections. Asio's loop stays the loop: it watches this set's descriptor. Worker only.
#pragma once

#include <sys/epoll.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <span>
#include <vector>

#include "proxy/base/asio.hpp"

namespace sluice::net {

class Poller {
 public:
  // Something with a descriptor in the set.
  class Entry {
   public:
    virtual void on_events(std::uint32_t events) = 0;  // EPOLL* bits; may destroy the entry
    virtual void on_deferred() = 0;                    // what was asked of defer(); may destroy the entry

   protected:
    ~Entry() = default;

   private:
    friend class Poller;
    bool deferred_ = false;
  };

  explicit Poller(asio::io_context& io);
  ~Poller();

  // Reports `fd` to `entry`: what is so now, then every change. The text of errno is the caller's.
  bool add(int fd, Entry& entry);
  // No further call to `entry`. Before its descriptor is closed.
  void remove(int fd, Entry& entry);
  // Calls entry.on_deferred() soon, from the loop and not from here.
  void defer(Entry& entry);
  // Stops watching, so that the loop may run empty.
  void stop();

 private:
  static constexpr int kBatch = 128;
  void watch();
  void poll();
  void dispatch(std::span<epoll_event> events);
  void run_deferred();

  asio::io_context& io_;
  asio::posix::basic_stream_descriptor<Executor> set_;
  epoll_event events_[kBatch];
  std::span<epoll_event> being_dispatched_;
  std::vector<Entry*> deferred_, running_;
  bool deferred_posted_ = false;
};

}  // namespace sluice::net
