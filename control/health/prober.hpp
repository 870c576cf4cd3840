// Probes every backend whose service has a health check, whatever its share or admin state (H2), each on its
// own rhythm. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "control/health/health_registry.hpp"

namespace sluice::health {

class Prober {
 public:
  // `registry` outlives the prober. `random` gives 64 random bits, for the jitter.
  Prober(boost::asio::any_io_executor loop, HealthRegistry& registry, std::function<std::uint64_t()> random);
  ~Prober();  // ends the probing; a probe under way is not waited for

  // Begins and ends probing as the registry says now of those that HealthRegistry::adopt() gave.
  void adopt(const std::vector<std::uint32_t>& touched);
  // The next `count` probes of it come soon one after the other: somebody waits for them.
  void hurry(std::uint32_t id, int count);
  // A probe failed whose address was looked up.
  std::function<void(const std::string& looked_up)> on_failed;
  std::size_t probing() const { return rounds_.size(); }

 private:
  struct Round;  // the probing of one backend
  void follow(std::uint32_t id, const MonitoredBackend& backend);
  void forget(std::uint32_t id);
  boost::asio::awaitable<void> run(std::uint32_t id, std::shared_ptr<Round> round);
  boost::asio::awaitable<ProbeResult> probe_in_turn(std::uint32_t id, std::shared_ptr<Round> round);
  std::chrono::milliseconds first_delay(const config::HealthCheckSpec& check);
  double jitter();  // in [-1, 1]

  boost::asio::any_io_executor loop_;
  HealthRegistry& registry_;
  std::function<std::uint64_t()> random_;
  std::map<std::uint32_t, std::shared_ptr<Round>> rounds_;
};

}  // namespace sluice::health
