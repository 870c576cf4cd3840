// Configurations as plain values, for tests of what is made of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/config/spec.hpp"

namespace sluice::testing {

inline config::BackendSpec backend_spec(const std::string& name, const std::string& address,
                                        std::uint32_t weight = 1) {
  config::BackendSpec spec;
  spec.name = name;
  spec.address.text = address;
  spec.weight = weight;
  return spec;
}

// A pool whose backends are POOL-1, POOL-2 ... at 10.0.0.1:80, ...
inline config::PoolSpec pool_spec(const std::string& name, int backends = 2) {
  config::PoolSpec spec;
  spec.name = name;
  for (int i = 1; i <= backends; ++i)
    spec.backends.push_back(
        backend_spec(name + "-" + std::to_string(i), "10.0.0." + std::to_string(i) + ":80"));
  return spec;
}

// The first pool is stable.
inline config::ServiceSpec service_spec(const std::string& name,
                                        std::vector<std::pair<std::string, config::Share>> split) {
  config::ServiceSpec spec;
  spec.name = name;
  for (const auto& [pool, share] : split) spec.pools.push_back(pool_spec(pool));
  spec.stable = split.front().first;
  spec.split = std::move(split);
  return spec;
}

// "api" with blue 95% and green 5%, "web" with blue 100% and green 0%.
inline config::Spec two_services() {
  config::Spec spec;
  spec.services = {service_spec("api", {{"blue", 95'000}, {"green", 5'000}}),
                   service_spec("web", {{"blue", 100'000}, {"green", 0}})};
  return spec;
}

}  // namespace sluice::testing
