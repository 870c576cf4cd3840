// What a worker waits in: an edge-triggered epoll set with the streams and listeners of that worker, and a
// bell that other threads may ring.
//
// Why not Asio's own socket operations: each of their reads first tries a recv that finds nothing (Boost 1.81
// starts every buffered read speculatively), which is two system calls a request for nothing (strace: 4
// recvfrom a request, 2 of them EAGAIN), and the bookkeeping of an operation costs as much again. Here a read
// is armed by storing a pointer, and one epoll_wait serves a batch of connections. The io_context of a worker
// stays what control posts to. Worker only, but for wake().
//
// A round goes in stages over the whole batch: everything is received, then every coroutine that waited runs,
// then everything they wrote is sent. Between two system calls the kernel's network code has taken the
// processor's caches; so each stage finds its own code there (CPU per request 0.89 of what it was with each
// connection served from end to end, median of 24 rounds in turns).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::net {

class Poller {
 public:
  // Something with a descriptor in the set.
  class Entry {
   public:
    virtual void on_events(std::uint32_t events) = 0;  // EPOLL* bits; may destroy the entry
    virtual void on_send() {}                          // what was asked of send_later()
    virtual void on_deferred() = 0;                    // what was asked of defer(); may destroy the entry

   protected:
    virtual ~Entry() = default;

   private:
    friend class Poller;
    bool deferred_ = false;
  };

  Poller();  // throws std::system_error when the kernel gives no descriptors
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Reports `fd` to `entry`: what is so now, then every change. False with errno when the kernel refuses.
  bool add(int fd, Entry& entry);
  // No further call to `entry`. Before its descriptor is closed.
  void remove(int fd, Entry& entry);
  // Calls entry.on_deferred() in the next round, not from here.
  void defer(Entry& entry);
  // Calls entry.on_send() at the end of this round, once the others had their turn to write.
  void send_later(Entry& entry) { sends_.push_back(&entry); }
  // Resumes `waiting` in the next round, not from here.
  void resume_later(std::coroutine_handle<> waiting) { resumable_.push_back(waiting); }

  // One round: waits for events at most `timeout`, hands them out, then what was deferred. True when the bell
  // was rung.
  bool wait(std::chrono::milliseconds timeout);
  // Ends the present or the next wait(). Any thread.
  void wake();

 private:
  static constexpr int kBatch = 128;
  void dispatch(std::span<epoll_event> events);
  void run_deferred();
  void run_sends();
  void hear_bell();

  int set_ = -1;
  int bell_ = -1;
  std::atomic<bool> rung_{false};
  bool heard_ = false;
  epoll_event events_[kBatch];
  std::span<epoll_event> being_dispatched_;
  std::vector<Entry*> deferred_, running_, sends_;
  std::vector<std::coroutine_handle<>> resumable_, resuming_;
};

}  // namespace sluice::net
