// Specs and snapshots for tests, made by hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/core/publisher.hpp"
#include "control/state/state.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::core {

inline config::PoolSpec pool_spec(const std::string& name, const std::vector<std::string>& addresses) {
  config::PoolSpec pool;
  pool.name = name;
  for (const auto& text : addresses) {
    config::BackendSpec backend;
    backend.name = text;
    backend.address = *parse_address(text);
    pool.backends.push_back(backend);
  }
  return pool;
}

// api: blue 100 % (two backends), green 0 % (two backends); one route to it.
inline config::Spec two_pools() {
  config::ServiceSpec service;
  service.name = "api";
  service.pools = {pool_spec("blue", {"127.0.0.1:9001", "127.0.0.1:9002"}),
                   pool_spec("green", {"127.0.0.1:9101", "127.0.0.1:9102"})};
  service.split = {{"blue", kWhole}, {"green", 0}};
  service.stable = "blue";
  config::Spec spec;
  spec.services = {service};
  config::RouteSpec route;
  route.service = "api";
  spec.routes = {route};
  return spec;
}

// What a publisher needs, with seeds that count up.
struct Made {
  explicit Made(boost::asio::any_io_executor loop, LookupFunction look = look_up)
      : resolver(std::move(loop), std::move(look)),
        publisher(registry, resolver, [this] { return ++seed; }) {}
  std::uint64_t seed = 0;
  Registry registry{2};
  Resolver resolver;
  Publisher publisher;
};

inline boost::asio::awaitable<bool> resolve_all(Resolver& resolver, std::vector<std::string> addresses) {
  co_await resolver.resolve(std::move(addresses));
  co_return true;
}

inline const route::Backend& backend_in(const route::Snapshot& snapshot, std::size_t pool,
                                        std::size_t backend) {
  return snapshot.services.at(0).pools.at(pool).backends.at(backend);
}

}  // namespace sluice::core
