#include "control/screen/trend.hpp"

#include <algorithm>

namespace sluice::screen {

void Trends::add(const protocol::Status& status, Clock::time_point now) {
  std::map<std::pair<std::string, std::string>, Pool> left;
  left.swap(pools_);
  std::size_t all = 0;
  for (const auto& service : status.services) all += service.pools.size();
  kept_ = std::clamp(kOfAll / std::max<std::size_t>(all, 1), kLeast, kMost);
  for (const auto& service : status.services)
    for (const auto& pool : service.pools) {
      const std::pair key(service.name, pool.name);
      auto known = left.extract(key);
      Pool& kept = known ? pools_.insert(std::move(known)).position->second : pools_[key];
      add(kept, pool, now);
    }
}

// Counters that went back are those of another process: what lies between is not known.
void Trends::add(Pool& pool, const protocol::PoolStatus& now, Clock::time_point time) {
  Sample sample;
  sample.p95_ms = now.p95_ms;
  const double seconds = std::chrono::duration<double>(time - pool.polled).count();
  if (!pool.fresh && now.requests >= pool.requests && now.errors >= pool.errors && seconds > 0) {
    const auto requests = static_cast<double>(now.requests - pool.requests);
    sample.rate = requests / seconds;
    if (requests > 0) sample.errors = static_cast<double>(now.errors - pool.errors) / requests;
  }
  pool.requests = now.requests;
  pool.errors = now.errors;
  pool.polled = time;
  pool.fresh = false;
  keep(pool, sample);
}

void Trends::keep(Pool& pool, const Sample& sample) {
  pool.samples.push_back(sample);
  while (pool.samples.size() > kept_) pool.samples.pop_front();
}

void Trends::add_gap() {
  for (auto& [key, pool] : pools_) {
    keep(pool, {});
    pool.fresh = true;
  }
}

std::vector<std::optional<double>> Trends::of(const std::string& service, const std::string& pool,
                                              std::optional<double> Sample::*figure) const {
  std::vector<std::optional<double>> values;
  const auto found = pools_.find({service, pool});
  if (found == pools_.end()) return values;
  for (const auto& sample : found->second.samples) values.push_back(sample.*figure);
  return values;
}

}  // namespace sluice::screen
