// A worker's own reading of a snapshot: the snapshot, and beside each of its backends this worker's live one.
// Made when a snapshot is adopted; an exchange pins the one it began with (C1). Counted without atomics.
// Worker only.
#pragma once

#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>
#include <unordered_map>
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

struct WorkerSnapshot {
  route::SnapshotPtr snapshot;
  std::vector<WorkerService> services;  // as in snapshot->services
  bool has_grpc_web = false;            // one of them wants it translated
};
using WorkerSnapshotPtr = boost::local_shared_ptr<const WorkerSnapshot>;

// This worker's backends and balancing state, by identity.
class WorkerBackends {
 public:
  explicit WorkerBackends(std::size_t worker) : worker_(worker) {}

  // The view of `snapshot`. What it shares with earlier ones (backends, balancing state) is the same object
  // in both. Idle connections to backends that left or no longer take requests are closed (D1).
  WorkerSnapshotPtr adopt(route::SnapshotPtr snapshot);

  Backend* find(std::uint32_t id);
  template <class Visit>
  void each_backend(Visit visit) {
    for (auto& [id, backend] : backends_) visit(*backend);
  }

 private:
  std::size_t worker_;
  std::unordered_map<std::uint32_t, boost::local_shared_ptr<Backend>> backends_;
  std::unordered_map<const observe::PoolLive*, boost::local_shared_ptr<route::RoundRobinState>> round_robins_;
};

}  // namespace sluice::upstream
