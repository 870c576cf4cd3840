// The health of the backends in force: the prober, the outlier detector and the registry, put together.
// Changes of health become events. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>

#include "control/change/recorder.hpp"
#include "control/health/health_registry.hpp"
#include "control/health/outlier_detector.hpp"
#include "control/health/prober.hpp"

namespace sluice::change {

struct BackendHealth {
  // `random` gives 64 random bits.
  BackendHealth(boost::asio::any_io_executor loop, const std::function<std::uint64_t()>& random,
                Recorder& recorder);

  // The snapshot in force from now on.
  void adopt(route::SnapshotPtr snapshot);
  // Until the probes have said of every backend what it is, or the time is over.
  boost::asio::awaitable<void> until_known(io::Clock::time_point limit);

  health::HealthRegistry registry;
  health::Prober prober;
  health::OutlierDetector outliers;
};

}  // namespace sluice::change
