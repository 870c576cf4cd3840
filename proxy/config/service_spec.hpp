// What is shifted, as configured: services, their pools and backends. Plain structs; every default and every
// key stands here once (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/kinds.hpp"
#include "proxy/config/policy_spec.hpp"

namespace sluice::config {

using sluice::Address;
using sluice::BackendProtocol;
using sluice::kWhole;
using sluice::ProxyVersion;
using sluice::Share;

struct BackendSpec {
  static constexpr Word<bool> kResolve[] = {{"first", false}, {"all", true}};
  static constexpr std::uint32_t kHeaviest = 1000;

  std::string name;  // defaults to the address as written
  Address address;   // HOST:PORT, a unix socket or SRV records (proxy/base/origin.hpp)
  // Each address of the name is a backend of its own, NAME/ADDRESS; always with SRV.
  bool every_address = false;
  std::uint32_t weight = 1;                    // 0 to 1000; 0: only when every eligible one is 0
  std::optional<std::uint32_t> max_in_flight;  // instead of the pool's; 0: no limit
  Place place;
  bool operator==(const BackendSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("name", self.name, Text{backend_name_error});
    visit("address", self.address, Origin{});
    visit("srv", self.address, SrvName{});
    visit("resolve", self.every_address, Choice<bool>{kResolve, false});
    visit("weight", self.weight, Whole{0, kHeaviest});
    visit("max_in_flight", self.max_in_flight, Whole{0, kMostAtOnce});
  }
};

struct PoolTls {
  std::string ca;           // empty: the system's
  std::string server_name;  // empty: the backend's own host or address
  std::string cert, key;    // what we show; both or none
  std::string digest;       // of what the files held when they were read
  Place place;
  bool operator==(const PoolTls&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("ca", self.ca, File{});
    visit("server_name", self.server_name, Text{});
    visit("cert", self.cert, File{});
    visit("key", self.key, File{});
  }
};

struct PoolSpec {
  static constexpr Word<ProxyVersion> kVersions[] = {
      {"off", ProxyVersion::off}, {"v1", ProxyVersion::v1}, {"v2", ProxyVersion::v2}};
  static constexpr Word<BackendProtocol> kProtocols[] = {
      {"h1", BackendProtocol::h1}, {"h2", BackendProtocol::h2}, {"auto", BackendProtocol::by_alpn}};

  std::string name;
  std::vector<BackendSpec> backends;
  std::uint32_t max_in_flight = 0;  // requests at a time to each of its backends; 0: no limit
  std::optional<PoolTls> tls;
  Place place;
  // Tells its backends who the client is; their connections are not used again.
  ProxyVersion proxy_protocol = ProxyVersion::off;
  BackendProtocol protocol = BackendProtocol::h1;
  bool operator==(const PoolSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("backends", self.backends, ListOf{"a backend"}, kRequired);
    visit("max_in_flight", self.max_in_flight, Whole{0, kMostAtOnce});
    visit("tls", self.tls);
    visit("proxy_protocol", self.proxy_protocol, Choice<ProxyVersion>{kVersions});
    visit("protocol", self.protocol, Choice<BackendProtocol>{kProtocols});
  }
};

inline constexpr std::size_t kMostPools = 250;  // of a service; what a route::PoolIndex can hold

// Its pools, split and stable pool are where State begins; what is in force is in the snapshot.
struct ServiceSpec : ServicePolicies {
  std::vector<PoolSpec> pools;  // in the order written
  // One entry per pool, in the order of `pools`, sum kWhole.
  std::vector<std::pair<std::string, Share>> split;
  std::string stable;  // always set after loading
  Places places;
  Place place;

  const PoolSpec* pool(const std::string& wanted) const {
    for (const auto& p : pools)
      if (p.name == wanted) return &p;
    return nullptr;
  }
  bool operator==(const ServiceSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("pools", self.pools, Named{"pool"}, kRequired);
    visit("split", self.split, Shares{});
    visit("stable", self.stable, Text{});
    ServicePolicies::fields(self, visit);
  }
};

}  // namespace sluice::config
