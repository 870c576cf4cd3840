#include "control/admin/tracks.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "proxy/route/query.hpp"

namespace sluice::admin {
namespace {

Classes classes_of(const observe::PoolLive& pool) {
  Classes out{};
  for (const auto& worker : pool.per_worker)
    for (std::size_t i = 1; i < out.size(); ++i) out[i] += worker.by_class[i].get();
  return out;
}

void count(const Classes& now, const Classes& before, bool active, Tracks::Service& into) {
  auto& track = active ? into.active : into.canary;
  for (std::size_t i = 1; i < now.size(); ++i) track[i] += now[i] - before[i];
}

bool has(const route::Service* service, const observe::PoolLive* live) {
  return service && std::ranges::any_of(service->pools,
                                        [live](const route::Pool& pool) { return pool.live.get() == live; });
}

bool on_same_tracks(const route::Service& before, const route::Service& after) {
  return before.stable == after.stable &&
         std::ranges::equal(before.pools, after.pools, {}, &route::Pool::live, &route::Pool::live);
}

}  // namespace

void Tracks::follow(route::SnapshotPtr snapshot) {
  if (snapshot == followed_) return;
  const route::SnapshotPtr before = std::exchange(followed_, std::move(snapshot));
  std::size_t came = 0;
  each_change(*before, *followed_, [&](const route::Service* was, const route::Service& is) {
    if (!was)
      ++came;
    else if (!on_same_tracks(*was, is))
      move(*was, &is);
    if (const auto known = was ? tracks_.end() : tracks_.find(is.spec.name); known != tracks_.end())
      known->second.pools = pools_of(is);  // it was there once
  });
  if (before->services.size() + came != followed_->services.size()) leave(*before, *followed_);
}

void Tracks::leave(const route::Snapshot& before, const route::Snapshot& after) {
  std::unordered_set<std::string_view> names;
  for (const auto& service : after.services) names.insert(service.spec.name);
  for (const auto& service : before.services)
    if (!names.contains(service.spec.name)) move(service, nullptr);
}

std::vector<Tracks::Track::Pool> Tracks::pools_of(const route::Service& service) {
  std::vector<Track::Pool> out;
  for (std::size_t i = 0; i < service.pools.size(); ++i)
    out.push_back({service.pools[i].live, i == service.stable, {}});
  return out;
}

// `after` null: the service goes.
void Tracks::move(const route::Service& before, const route::Service* after) {
  const auto [place, is_new] = tracks_.try_emplace(before.spec.name);
  Track& track = place->second;
  if (is_new) track.pools = pools_of(before);
  for (auto& pool : track.pools) {
    const auto now = classes_of(*pool.live);
    count(now, pool.before, pool.active, track.settled);
    pool.before = now;
    if (!has(after, pool.live.get())) gone_ += durations_of(*pool.live);
  }
  const auto left = std::exchange(track.pools, after ? pools_of(*after) : std::vector<Track::Pool>());
  for (auto& pool : track.pools)
    if (const auto was = std::ranges::find(left, pool.live, &Track::Pool::live); was != left.end())
      pool.before = was->before;
}

Tracks::Service Tracks::of(const route::Service& service) const {
  const auto known = tracks_.find(service.spec.name);
  if (known == tracks_.end()) {
    Service out;
    for (std::size_t i = 0; i < service.pools.size(); ++i)
      count(classes_of(*service.pools[i].live), {}, i == service.stable, out);
    return out;
  }
  Service out = known->second.settled;
  for (const auto& pool : known->second.pools) count(classes_of(*pool.live), pool.before, pool.active, out);
  return out;
}

}  // namespace sluice::admin
