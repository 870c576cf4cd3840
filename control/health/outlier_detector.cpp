#include "control/health/outlier_detector.hpp"

#include <algorithm>

namespace sluice::health {

namespace asio = boost::asio;
using std::chrono::milliseconds;

milliseconds EjectionCount::next(milliseconds ejection, io::Clock::time_point now, double jitter) {
  if (count_ > 0 && now > quiet_since_) {
    const auto quiet = now - quiet_since_;
    const auto forgotten = quiet / (std::max(ejection, milliseconds(1)) * kQuietEjections);
    count_ = static_cast<int>(std::max<decltype(forgotten)>(0, count_ - forgotten));
  }
  count_ = std::min(count_ + 1, kMost);
  const double time = static_cast<double>(ejection.count()) * count_ * (1 + 0.1 * jitter);
  const milliseconds result{static_cast<milliseconds::rep>(time)};
  quiet_since_ = now + result;
  return result;
}

OutlierDetector::OutlierDetector(asio::any_io_executor loop, HealthRegistry& registry,
                                 std::function<std::uint64_t()> random)
    : loop_(std::move(loop)), registry_(registry), random_(std::move(random)) {}

bool OutlierDetector::consider(std::uint32_t id) {
  const MonitoredBackend* backend = registry_.find(id);
  if (!backend || backend->ejection || backend->outlier.consecutive_errors <= 0) return false;
  // Whatever comes of it: the next suspicion needs as many errors again.
  backend->live->consecutive_errors.store(0);
  const auto standing = registry_.standing(id);
  const auto needed = static_cast<std::size_t>(std::max(backend->outlier.min_available, 0)) + 1;
  if (!standing.is_eligible || standing.eligible < needed) return false;
  eject(id, *backend);
  return true;
}

void OutlierDetector::eject(std::uint32_t id, const MonitoredBackend& backend) {
  Entry& entry = entries_[id];
  const double jitter = static_cast<double>(random_() >> 11) * 0x1p-52 - 1.0;
  const milliseconds time = entry.count.next(backend.outlier.ejection, io::Clock::now(), jitter);
  entry.timer = std::make_unique<asio::steady_timer>(loop_, time);
  entry.timer->async_wait([this, id](boost::system::error_code failure) {
    if (!failure) registry_.set_ejected(id, false);
  });
  ++total_;
  backend.pool_live->ejections.fetch_add(1);
  registry_.set_ejected(id, true);
  if (on_ejected) on_ejected(backend, time);
}

// What failed before is no reason to eject it again.
bool OutlierDetector::lift(std::uint32_t id, const std::string& why) {
  const MonitoredBackend* backend = registry_.find(id);
  const auto entry = entries_.find(id);
  if (!backend || !backend->ejection || entry == entries_.end()) return false;
  entry->second.timer->cancel();
  entry->second.count.ended(io::Clock::now());
  backend->live->consecutive_errors.store(0);
  registry_.set_ejected(id, false);
  if (on_lifted) on_lifted(*backend, why);
  return true;
}

void OutlierDetector::adopt() {
  std::erase_if(entries_, [this](const auto& entry) { return registry_.find(entry.first) == nullptr; });
}

}  // namespace sluice::health
