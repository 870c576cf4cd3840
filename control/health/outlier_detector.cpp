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
  end_at(id, io::Clock::now() + time);
  ++total_;
  backend.pool_live->ejections.fetch_add(1);
  registry_.set_ejected(id, true);
  if (on_ejected) on_ejected(backend, time);
}

void OutlierDetector::end_at(std::uint32_t id, io::Clock::time_point until) {
  Entry& entry = entries_[id];
  entry.timer = std::make_unique<asio::steady_timer>(loop_, until);
  entry.timer->async_wait([this, id](boost::system::error_code failure) {
    if (!failure) registry_.set_ejected(id, false);
  });
}

std::optional<KnownEjections> OutlierDetector::known(std::uint32_t id) const {
  const auto entry = entries_.find(id);
  const MonitoredBackend* backend = registry_.find(id);
  if (entry == entries_.end() || !backend) return std::nullopt;
  return KnownEjections{entry->second.count, backend->ejection, entry->second.timer->expiry()};
}

// No ejection lasts longer than the longest of the present configuration: what says so is another clock's.
void OutlierDetector::remember(std::uint32_t id, const KnownEjections& known) {
  Entry& entry = entries_[id];
  entry.count = known.count;
  const auto now = io::Clock::now();
  if (!known.lasting || known.until <= now) return end_at(id, now);
  const auto longest = registry_.find(id)->outlier.ejection * (EjectionCount::kMost + 1);
  registry_.remember(id, *known.lasting);
  end_at(id, std::min(known.until, now + longest));
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
