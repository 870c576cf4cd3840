// A worker's own reading of a snapshot: the snapshot, and beside each of its backends this worker's live one.
// Of a service it is made when its first request comes, and shared by the snapshots after as long as the
// service is; so a change costs what it changes, and a service without traffic costs a worker nothing. An
// exchange pins the one it began with (C1). Counted without atomics. Worker only.
#pragma once

#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/route/balance.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {

struct WorkerPool {
  const route::Pool* pool = nullptr;
  boost::local_shared_ptr<route::RoundRobinState> round_robin;
  std::vector<boost::local_shared_ptr<Backend>> backends;  // as in pool->backends
};

struct WorkerService {
  const route::Service* service = nullptr;
  std::vector<WorkerPool> pools;  // as in service->pools
};

class WorkerBackends;

class WorkerSnapshot {
 public:
  // `backends` outlives it.
  WorkerSnapshot(route::SnapshotPtr the_snapshot, WorkerBackends& backends)
      : snapshot(std::move(the_snapshot)), backends_(backends), services_(snapshot->services.size()) {}

  // That of snapshot->services[place].
  const WorkerService& service(std::size_t place) const {
    const auto& made = services_[place];
    return made ? *made : make(place);
  }

  const route::SnapshotPtr snapshot;

 private:
  friend class WorkerBackends;
  const WorkerService& make(std::size_t place) const;

  WorkerBackends& backends_;
  mutable std::vector<boost::local_shared_ptr<const WorkerService>> services_;  // null: not asked for yet
};
using WorkerSnapshotPtr = boost::local_shared_ptr<const WorkerSnapshot>;

// This worker's backends, by identity.
class WorkerBackends {
 public:
  explicit WorkerBackends(std::size_t worker) : worker_(worker) {}

  // The view of `snapshot`. What it shares with earlier ones (services, backends, balancing state) is the
  // same object in both. Idle connections to backends that left or no longer take requests are closed (D1).
  WorkerSnapshotPtr adopt(route::SnapshotPtr snapshot);

  // Null also for one that was never asked for.
  Backend* find(std::uint32_t id);
  template <class Visit>
  void each_backend(Visit visit) {
    for (auto& [id, backend] : backends_) visit(*backend);
  }

 private:
  friend class WorkerSnapshot;
  using ServicePtr = boost::local_shared_ptr<const WorkerService>;

  void carry_over(const WorkerSnapshot& before, const WorkerSnapshot& view);
  // `before`: its reading until now; null: there is none.
  ServicePtr make(const route::Service& service, const WorkerService* before);
  boost::local_shared_ptr<Backend> backend(const route::Pool& pool, const route::Backend& wanted);
  void leave(const WorkerService& before, const WorkerService* after);
  void forget_left();

  std::size_t worker_;
  std::unordered_map<std::uint32_t, boost::local_shared_ptr<Backend>> backends_;
  // Of these, the ones that no snapshot in force names.
  std::vector<std::uint32_t> left_;
  WorkerSnapshotPtr view_;  // the last one; null before the first
};

}  // namespace sluice::upstream
