// What is in force: the configuration, the state that operators and rollouts made of it, and the snapshot
// that the workers route by. Every class of control reads it; two write it. Control thread only.
#pragma once

#include <string>

#include "control/state/state.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/query.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

struct InForce {
  config::Spec spec;            // written by Reloader
  state::State state;           // written by Committer
  route::SnapshotPtr snapshot;  // written by Committer, with `state`; without services before the start

  // Null when there is no such service.
  const route::Service* routed(const std::string& service) const {
    return snapshot ? find_service(*snapshot, service) : nullptr;
  }
};

}  // namespace sluice::change
