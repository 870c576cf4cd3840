// From what is wanted (Spec and State) and what lives (Registry, Resolver) to the snapshot that workers route
// by. Nothing takes effect before install(): a snapshot that is built and dropped leaves no trace. Control
// thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/change/in_force.hpp"
#include "control/change/registry.hpp"
#include "control/change/service_memory.hpp"
#include "control/io/resolver.hpp"
#include "control/state/state.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

class Publisher {
 public:
  // `random` gives the seeds of new sequences (S3).
  Publisher(Registry& registry, const io::Resolver& resolver, std::function<std::uint64_t()> random);

  // Of every snapshot built from now on.
  std::optional<route::PreviewKey> preview_key;                                             // S8
  std::shared_ptr<const std::map<std::string, std::string, std::less<>>> proofs = nullptr;  // of ACME orders
  ServiceMemory memory;  // of the services that it builds

  // Sequences and slot owners of `previous` (which may be null) are carried over where the share table is the
  // same (S3, C4). A backend whose name is not known has no endpoints; a service of which no pool with a
  // share could be set up is disabled (T3). Requires: a state merged with `spec`.
  route::SnapshotPtr build(const config::Spec& spec, const state::State& state,
                           const route::Snapshot* previous);

  // What is in force with another state: what did not change is shared with it.
  route::SnapshotPtr rebuild(const InForce& now, const state::State& state);

  // The first snapshot, which may take a second for thousands of services: the loop has its turns in between.
  boost::asio::awaitable<route::SnapshotPtr> build_at_leisure(const config::Spec& spec,
                                                              const state::State& state,
                                                              boost::asio::any_io_executor loop);

  // To be called right before `snapshot` is published: the admin states become visible to whoever claims a
  // backend (D2), and what `snapshot` no longer names is forgotten. `before` is the one in force until then;
  // it may be one without services.
  void install(const route::Snapshot& snapshot, const route::Snapshot& before);

 private:
  std::shared_ptr<route::Snapshot> begun(const state::State& state) const;
  void add_service(route::Snapshot& snapshot, const config::ServiceSpec& spec, const state::State& state,
                   const route::Snapshot* previous);
  route::Service service_from(const config::ServiceSpec& spec, const state::ServiceState& state,
                              const route::Service* previous);
  void watch(route::Service& service, const state::Rollout& rollout, const route::Service* previous);
  void try_on(route::Service& service, const state::ServiceState& state, const route::Service* previous);
  void mirror_for(route::Service& service, const state::Rollout& rollout, const route::Service* previous);
  route::Pool pool_from(const config::ServiceSpec& service, const state::PoolState& state,
                        std::string& broken);
  // The backend itself, or one for each address of a group.
  void add_backends(route::Pool& pool, const config::ServiceSpec& service, const state::BackendState& wanted);
  // The same context as long as the configuration and what its files held are the same: TLS sessions and idle
  // connections stay. Null when the pool's backends are spoken to in clear, and with an error.
  std::shared_ptr<const tls::ClientContext> tls_of(const std::string& service, const config::PoolSpec* pool,
                                                   std::string& error);
  std::shared_ptr<const route::SlotMap> owners_of(const state::ServiceState& state);

  Registry& registry_;
  const io::Resolver& resolver_;
  std::function<std::uint64_t()> random_;
  struct Owners {
    route::SlotTable::Stacks stacks;
    route::SlotMap map;
  };
  struct TlsContext {
    config::PoolTls spec;
    BackendProtocol protocol = BackendProtocol::h1;
    std::shared_ptr<const tls::ClientContext> tls;
  };
  std::map<std::string, TlsContext> tls_contexts_;  // by "service/pool": the last one made
  // By service: the last one made. Services with equal tables share one where they came one after the other.
  std::map<std::string, std::shared_ptr<const Owners>> owners_;
  std::shared_ptr<const Owners> latest_owners_;
};

// All addresses that a state needs resolved.
std::vector<std::string> addresses_of(const state::State& state);

}  // namespace sluice::change
