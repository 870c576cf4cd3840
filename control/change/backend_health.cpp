#include "control/change/backend_health.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "control/health/eligibility.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {
namespace {

boost::json::object detail_of(const health::MonitoredBackend& backend) {
  return {{"pool", backend.pool}, {"backend", backend.name}, {"admin", state::to_string(backend.admin)}};
}

boost::json::object flip_of(const health::MonitoredBackend& backend, observe::Health from) {
  auto detail = detail_of(backend);
  detail["health"] = health::to_string(backend.live->health.load());
  detail["was"] = health::to_string(from);
  detail["error"] = backend.probed.error;
  return detail;
}

boost::json::object ejection_of(const health::MonitoredBackend& backend, std::chrono::milliseconds time) {
  auto detail = detail_of(backend);
  detail["errors"] = backend.outlier.consecutive_errors;
  detail["for_ms"] = time.count();
  return detail;
}

boost::json::object lifted(const health::MonitoredBackend& backend, const std::string& why) {
  auto detail = detail_of(backend);
  detail["lifted"] = why;
  return detail;
}

}  // namespace

BackendHealth::BackendHealth(boost::asio::any_io_executor loop, const std::function<std::uint64_t()>& random,
                             Recorder& recorder)
    : registry(loop), prober(loop, registry, random), outliers(loop, registry, random) {
  registry.on_flip = [&recorder](const health::MonitoredBackend& backend, observe::Health from) {
    recorder.info("health", backend.service,
                  health::to_string(backend) + " is " +
                      std::string(health::to_string(backend.live->health.load())) + ", was " +
                      std::string(health::to_string(from)) +
                      (backend.probed.error.empty() ? "" : " (" + backend.probed.error + ")"),
                  flip_of(backend, from));
  };
  registry.on_cleared = [this](std::uint32_t id, const std::string& why) { outliers.lift(id, why); };
  outliers.on_ejected = [&recorder](const health::MonitoredBackend& backend, std::chrono::milliseconds time) {
    ++recorder.counters.ejections;
    recorder.warn("ejected", backend.service,
                  health::to_string(backend) + " is ejected for " + duration_text(time) + " after " +
                      std::to_string(backend.outlier.consecutive_errors) + " errors in a row",
                  ejection_of(backend, time));
  };
  outliers.on_lifted = [&recorder](const health::MonitoredBackend& backend, const std::string& why) {
    recorder.info("health", backend.service, health::to_string(backend) + " is no longer ejected: " + why,
                  lifted(backend, why));
  };
}

boost::asio::awaitable<void> BackendHealth::until_known(io::Clock::time_point limit) {
  while (registry.any_unknown() && io::Clock::now() < limit) co_await registry.changed().wait_until(limit);
}

void BackendHealth::adopt(route::SnapshotPtr snapshot) {
  const auto touched = registry.adopt(std::move(snapshot));
  prober.adopt(touched);
  outliers.adopt();
}

}  // namespace sluice::change
