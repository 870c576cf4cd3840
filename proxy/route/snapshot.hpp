// The routing state of the whole process at one generation (C1). Immutable once published; workers read it
// through a plain pointer. Built by control/change/publisher from State (what is wanted) and the live objects
// (what is).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/base/shared_list.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/observe/breaker.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/rate_table.hpp"
#include "proxy/observe/shadow.hpp"
#include "proxy/route/shares.hpp"
#include "proxy/route/slot_map.hpp"
#include "proxy/route/table.hpp"
#include "proxy/route/traffic.hpp"
#include "proxy/route/trial.hpp"
#include "proxy/tls/client.hpp"

namespace sluice::route {

// Where connections to a backend go: an address and a port, or a unix socket.
struct Endpoint : IpPort {
  std::string path;  // of a unix socket; then nothing else counts
  bool operator==(const Endpoint&) const = default;
};

struct Backend {
  std::string name;
  std::string address;  // as written; of a member of a group the address itself
  // As what the backend is spoken to where nothing else says so: Host headers, and the name in TLS.
  std::string authority;
  // All that its name stands for (H4): tried in turn, beginning with live->good_address. Empty: the name is
  // not known, and `unresolved` says why.
  std::vector<Endpoint> endpoints;
  double weight = 1;       // of a member its part of the group's
  bool reweighed = false;  // by the operator, since the configuration was read
  observe::Admin admin = observe::Admin::ready;
  std::shared_ptr<observe::BackendLive> live;  // never null
  std::uint32_t max_in_flight = 0;             // of all workers; 0: no limit
  std::string looked_up;                       // what is looked up to find it; empty: nothing is
  std::string unresolved;                      // a clause, "cannot be resolved: ..."
  std::string group;  // the configured backend of which this is one address; empty: it is itself one
  // Of a member: the rank of its SRV priority in the group; the lowest that can serve does.
  std::uint16_t tier = 0;

  const Endpoint& good() const { return endpoints[live->good_address.load() % endpoints.size()]; }
  bool full() const { return max_in_flight > 0 && live->in_flight() >= max_in_flight; }
};

struct Pool {
  std::string name;
  config::Share share = 0;
  std::vector<Backend> backends;
  std::shared_ptr<observe::PoolLive> live;          // never null
  std::shared_ptr<const tls::ClientContext> tls;    // null: its backends are spoken to in clear
  ProxyVersion proxy_protocol = ProxyVersion::off;  // spoken to its backends
  BackendProtocol protocol = BackendProtocol::h1;   // never by_alpn without tls
  bool has_tiers = false;                           // a backend has a tier above 0
};

// M1: where copies go.
struct MirrorTo {
  std::size_t pool;  // index into Service::pools
  Share share;
  bool safe_only;
  std::shared_ptr<observe::Shadow> shadow;  // counts the answers for a rollout; null: nobody judges them
};

// A pool that is asked for a file which the chosen one does not have (config::AssetSpec).
struct AssetPool {
  std::size_t pool;    // index into Service::pools
  std::int64_t until;  // Unix milliseconds; 0: it has a share, or a rollout
  bool operator==(const AssetPool&) const = default;
};

// Indices are into `pools`.
struct Service {
  // What it is not only its configuration and its state say: a name server, or a file that could not be used.
  bool may_differ = false;
  config::ServicePolicies spec;  // as configured: limits, timeouts, sticky keys ...
  std::vector<Pool> pools;       // as they are in force
  std::size_t stable = 0;
  // Answers for another pool that fails (R2): the stable one, or while a rollout is active the one that it
  // came from.
  std::size_t rescue = 0;
  std::shared_ptr<observe::ServiceLive> live;  // never null
  std::shared_ptr<observe::RateTable> rates;   // null without a rate_limit
  std::string disabled;  // T3: why this service could not be built; empty when it serves

  // Which pool (S8).
  SplitTable split;                                  // keyless requests (S3)
  std::shared_ptr<observe::SplitSequence> sequence;  // never null
  std::shared_ptr<const SlotMap> slots;  // sticky requests (S4); null when the service has no sticky keys

  // While a rollout is active (G6).
  std::uint64_t rollout = 0;                  // its id
  std::size_t watched_pool = 0;               // that it moves to
  std::shared_ptr<observe::Breaker> breaker;  // of watched_pool; null when no rollout is active
  std::shared_ptr<const Trial>
      trial;  // whom its judge compares; null: it needs no more than the pools' counters

  // What the operator asks for besides.
  std::optional<Hold> hold;  // P1: while it is paused or stopped
  std::vector<Flag> flags;   // F1; by name
  std::optional<MirrorTo> mirror;
  std::vector<AssetPool> asset_pools;  // in the order in which they are asked, the chosen one among them
};

// A listener whose requests all go to fixed pools (S8).
struct FixedPool {
  std::size_t service;  // index into Snapshot::services
  std::size_t pool;     // index into that service's pools
};
struct ListenerPools {
  std::string listener;
  std::vector<FixedPool> pools;
};

using ServicePlaces = std::unordered_map<std::string, std::size_t>;

using PreviewKey = std::array<std::uint8_t, 32>;

struct Snapshot {
  std::uint64_t generation = 0;
  SharedList<Service> services;  // a snapshot shares with the one before what did not change
  // Both yield an index into services, and are shared with the snapshots before as long as they say the same.
  std::shared_ptr<const RouteTable> routes = std::make_shared<const RouteTable>();  // never null
  std::shared_ptr<const ServicePlaces> places;  // by name; null: they are not many
  bool has_grpc_web = false;                    // one of the services wants it translated
  // Paths that are answered with a text before any route is looked at (ACME's HTTP-01, RFC 8555 8.3); null:
  // none, as nearly always.
  std::shared_ptr<const std::map<std::string, std::string, std::less<>>> proofs;
  bool looks_closer = false;  // has_grpc_web or proofs: what the way of every request asks, once
  std::vector<ListenerPools> listener_pools;  // only listeners that have fixed pools
  std::optional<PreviewKey> preview_key;      // S8; none: no token was ever minted
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace sluice::route
