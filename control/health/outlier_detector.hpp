// Passive ejection (H3): a backend whose errors came one after the other gets no requests for a while.
// Control thread only.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "control/health/health_registry.hpp"

namespace sluice::health {

// How long the next ejection of one backend lasts. Pure.
class EjectionCount {
 public:
  static constexpr int kMost = 10;           // times the configured ejection
  static constexpr int kQuietEjections = 5;  // one is forgotten after so many ejection times without another

  // Counts one more, ending at `now` + the result. `jitter` in [-1, 1] moves it by up to 10 %.
  std::chrono::milliseconds next(std::chrono::milliseconds ejection, io::Clock::time_point now,
                                 double jitter);
  // The last one ended before its time: from `now` on it is quiet.
  void ended(io::Clock::time_point now) { quiet_since_ = std::min(quiet_since_, now); }

  EjectionCount() = default;
  EjectionCount(int count, io::Clock::time_point quiet_since)
      : count_(std::clamp(count, 0, kMost)), quiet_since_(quiet_since) {}
  int count() const { return count_; }
  io::Clock::time_point quiet_since() const { return quiet_since_; }

 private:
  int count_ = 0;
  io::Clock::time_point quiet_since_{};
};

// What another process knew of a backend's ejections (sluicectl upgrade).
struct KnownEjections {
  EjectionCount count;
  std::optional<Ejection> lasting;
  io::Clock::time_point until{};  // of the one that lasts
};

class OutlierDetector {
 public:
  OutlierDetector(boost::asio::any_io_executor loop, HealthRegistry& registry,
                  std::function<std::uint64_t()> random);

  // The workers saw as many errors in a row as the service allows. True when the backend was ejected; not
  // when fewer than min_available would stay eligible in its pool.
  bool consider(std::uint32_t id);
  // Ends an ejection before its time. False when there is none.
  bool lift(std::uint32_t id, const std::string& why);
  // Nothing when it was never ejected.
  std::optional<KnownEjections> known(std::uint32_t id) const;
  // As if it had been ejected here: one that lasts goes on for the rest of its time. Requires: the registry
  // knows `id`.
  void remember(std::uint32_t id, const KnownEjections& known);
  // Forgets backends that are gone. To be called after each HealthRegistry::adopt().
  void adopt();
  std::uint64_t total() const { return total_; }
  // It was ejected for `time`.
  std::function<void(const MonitoredBackend& backend, std::chrono::milliseconds time)> on_ejected;
  // Its ejection was lifted.
  std::function<void(const MonitoredBackend& backend, const std::string& why)> on_lifted;

 private:
  struct Entry {
    EjectionCount count;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };
  void eject(std::uint32_t id, const MonitoredBackend& backend);
  void end_at(std::uint32_t id, io::Clock::time_point until);

  boost::asio::any_io_executor loop_;
  HealthRegistry& registry_;
  std::function<std::uint64_t()> random_;
  std::map<std::uint32_t, Entry> entries_;
  std::uint64_t total_ = 0;
};

}  // namespace sluice::health
