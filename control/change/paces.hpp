// Paced drains under way: so many long connections a second are told to end, chosen by chance among those of
// all workers, while the backends that get them bear it (pace.hpp). Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "control/change/pace.hpp"
#include "control/io/notifier.hpp"
#include "control/protocol/status.hpp"
#include "proxy/base/random.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::change {

class Paces {
 public:
  static constexpr std::chrono::milliseconds kTick{100};  // between two lots that are told to end

  // `workers` outlives it.
  Paces(boost::asio::any_io_executor loop, worker::Workers& workers);
  ~Paces();

  // The long connections of these backends of `service`, which drain, leave at `rate` a second, all together.
  // What was asked for one of them before is over.
  void begin(std::string service, std::vector<std::uint32_t> backends, std::uint32_t rate,
             route::SnapshotPtr now);
  // `now` is in force: it says who gets them.
  void follow(route::SnapshotPtr now) { now_ = std::move(now); }
  // The backends that do not drain any more.
  void keep_only(const std::function<bool(std::uint32_t backend)>& drains);

  // Nothing when this backend's do not leave at a pace.
  std::optional<protocol::PaceStatus> of(std::uint32_t backend) const;

 private:
  // Those who get the connections.
  struct Target {
    std::vector<std::uint32_t> backends;
    TargetCounts counts;
  };
  struct Pace {
    std::string service;
    std::vector<std::uint32_t> backends;
    PaceControl control;
    Target target;                         // as it was at the last look
    io::Clock::time_point looked, ticked;  // last
    std::vector<std::size_t> open = {};    // on each worker
    double due = 0;                        // connections, of which the whole ones are told next
    bool asks = false;                     // the workers have not answered yet
  };

  void tick();
  void wait();
  void look(Pace& pace, io::Clock::time_point now) const;
  void close_some(const std::shared_ptr<Pace>& pace);
  Target target_of(const std::string& service) const;

  boost::asio::steady_timer timer_;
  worker::Workers& workers_;
  Random random_;
  route::SnapshotPtr now_;
  std::list<std::shared_ptr<Pace>> paces_;
  bool ticking_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice::change
