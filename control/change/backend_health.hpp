// The health of the backends in force: who probes them, who ejects them, and where it is kept. What happens
// to it becomes events. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
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

  health::HealthRegistry registry;
  health::Prober prober;
  health::OutlierDetector outliers;
};

}  // namespace sluice::change
