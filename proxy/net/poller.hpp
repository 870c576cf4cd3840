// What a worker waits in: an edge-triggered epoll set with the streams and listeners of that worker, and a
// wakeup descriptor for other threads.
//
// A round goes in stages over the whole batch: everything is received, then every coroutine that waited runs,
// then everything they wrote is sent; then some of those have their turn who move much. REACTOR.md says why,
// and why this is not Asio's. Worker only, but for wake().
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
    virtual void on_late() {}                          // what was asked of defer_late(); likewise

   protected:
    virtual ~Entry() = default;

   private:
    friend class Poller;
    bool deferred_ = false;
    bool late_ = false;
  };

  Poller();  // throws std::system_error when the kernel gives no descriptors
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Reports `fd` to `entry`: what is so now, then every change. False with errno when the kernel refuses.
  bool add(int fd, Entry& entry);
  // No further call to `entry`. Before its descriptor is closed.
  void remove(int fd, Entry& entry);
  // The same for an entry without a descriptor.
  void forget(Entry& entry);
  // Calls entry.on_deferred() in the next round, not from here.
  void defer(Entry& entry);
  // Calls entry.on_late() once the others had their turn and what they wrote was sent, in the order asked
  // for. A round calls few, so that whoever moves much at once holds up nobody for long.
  void defer_late(Entry& entry);
  // Calls entry.on_send() at the end of this round, once the others had their turn to write.
  void send_later(Entry& entry) { push(sends_, entry); }
  // Resumes `waiting` in the next round, not from here.
  void resume_later(std::coroutine_handle<> waiting) { resumable_.push_back(waiting); }

  // One round: waits for events at most `timeout`, hands them out, then what was deferred. True when it
  // was woken.
  bool wait(std::chrono::milliseconds timeout);
  // Ends the present or the next wait(). Any thread.
  void wake();

 private:
  static constexpr int kBatch = 128;
  static constexpr std::size_t kLateTurns = 8;
  // Who asks for a turn saves no registers for the list's growing.
  static void push(std::vector<Entry*>& list, Entry& entry) {
    if (list.size() == list.capacity()) return push_growing(list, entry);
    list.push_back(&entry);
  }
  static void push_growing(std::vector<Entry*>& list, Entry& entry);
  void dispatch(std::span<epoll_event> events);
  void run_deferred();
  void run_sends();
  void run_late();
  void take_wakeup();

  int set_ = -1;
  int wakeup_ = -1;
  std::atomic<bool> wakeup_pending_{false};
  bool woken_ = false;
  epoll_event events_[kBatch];
  std::span<epoll_event> being_dispatched_;
  std::vector<Entry*> deferred_, running_, sends_, late_;
  std::vector<std::coroutine_handle<>> resumable_, resuming_;
};

}  // namespace sluice::net
