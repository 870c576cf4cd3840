// Drains under way and done (D1-D5), one per backend. A drain begins when every worker routes by the snapshot
// that says so, and ends when nothing is in flight: from then on no byte of a new request reaches the backend
// (D2). Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "control/change/in_force.hpp"
#include "control/change/paces.hpp"
#include "control/change/proposal.hpp"
#include "control/io/notifier.hpp"
#include "control/protocol/messages.hpp"
#include "control/protocol/target.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::change {

struct Drain {
  protocol::Target target;  // a backend
  std::shared_ptr<observe::BackendLive> live;
  std::optional<io::Clock::time_point> deadline;  // nothing: as long as it takes
  io::Clock::time_point began;
  std::uint64_t at_start = 0;  // in flight when it began
  std::uint64_t forced = 0;    // closed at the deadline (D3)
  bool aborted = false;        // the deadline came
  bool finished = false;
  bool removing = false;  // to be taken out when finished
  std::chrono::milliseconds took{0};

  std::uint64_t clean() const;  // finished by themselves so far
  protocol::Drained result() const { return {clean(), forced, took}; }
};

class Drains {
 public:
  static constexpr std::chrono::milliseconds kPoll{10};  // of the counters, while any drain is under way

  Drains(boost::asio::any_io_executor loop, worker::Workers& workers);
  ~Drains();

  // Drains begin for what the state drains and end for what it does not. Requires: every worker routes by the
  // snapshot in force.
  void follow(const InForce& now, const std::optional<DrainWish>& wish);

  // Requires: every worker routes by a snapshot in which the backend drains. A drain that is known keeps its
  // deadline (D3); only `removing` and the tunnels' policy are taken from a second one.
  void begin(protocol::Target target, std::shared_ptr<observe::BackendLive> live,
             std::optional<io::Clock::time_point> deadline, worker::TunnelPolicy tunnels, bool removing);
  template <class Keep>
  void keep_only(Keep keep) {
    if (std::erase_if(drains_, [&keep](const auto& entry) { return !keep(entry.second); }) == 0) return;
    end_paces();
    notifier_.notify();
  }

  const Drain* find(std::uint32_t id) const;
  const std::map<std::uint32_t, Drain>& all() const { return drains_; }
  const Paces& paces() const { return paces_; }

  io::Notifier& changed() { return notifier_; }         // notified when a drain finished or ended
  std::function<void(const Drain& drain)> on_finished;  // may not begin or end one

 private:
  void look();
  void finish(Drain& drain, io::Clock::time_point now);
  void abort(std::uint32_t id, Drain& drain);
  void poll();
  bool any_open() const;
  void begin_those_of(const InForce& now, const route::Service& service,
                      const std::optional<DrainWish>& wish);
  void begin_pace(const InForce& now, const DrainWish& wish);
  void end_paces();

  boost::asio::any_io_executor loop_;
  worker::Workers& workers_;
  io::Notifier notifier_;
  Paces paces_;
  boost::asio::steady_timer timer_;
  bool polling_ = false;
  route::SnapshotPtr followed_ = std::make_shared<const route::Snapshot>();
  std::map<std::uint32_t, Drain> drains_;  // by BackendLive::id
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice::change
