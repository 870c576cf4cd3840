// The last events of the daemon, numbered, for `sluicectl events` and GET /v1/events. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "control/io/notifier.hpp"

namespace sluice::change {

struct Event {
  std::uint64_t id = 0;  // from 1, in order, without gaps; starts again with the process
  std::chrono::system_clock::time_point time;
  std::string type;  // "change", "health", "ejected", "drain", "drained", "reload", "warning", "certificate",
                     // "rollback", "shutdown"
  std::string service;         // empty: the whole daemon
  std::string text;            // one sentence
  boost::json::object detail;  // its numbers
};

class EventLog {
 public:
  static constexpr std::size_t kKept = 1000;

  explicit EventLog(boost::asio::any_io_executor loop);

  void add(std::string type, std::string service, std::string text, boost::json::object detail = {});
  // Those with a larger id, in order; `lost` of them are no longer kept.
  struct Slice {
    std::vector<Event> events;
    std::uint64_t lost = 0;
  };
  Slice after(std::uint64_t id) const;
  std::uint64_t last_id() const { return next_ - 1; }
  // Waits until there is an event with a larger id: true; false when `limit` has passed or close() was
  // called.
  boost::asio::awaitable<bool> wait_after(std::uint64_t id, std::chrono::milliseconds limit);
  // Ends all waiting, for the shutdown.
  void close();
  bool closed() const { return closed_; }

  std::function<void(const Event& event)> on_added;  // may not add one

 private:
  std::deque<Event> kept_;
  std::uint64_t next_ = 1;
  bool closed_ = false;
  io::Notifier notifier_;
};

}  // namespace sluice::change
