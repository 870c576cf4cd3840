// Services as the publisher would build them, for tests of what reads them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/route/snapshot.hpp"

namespace sluice::testing {

// Pools p0, p1 ... with these shares, the first one stable, without backends; sequence seed 1.
inline route::Service service(const std::vector<config::Share>& shares) {
  route::Service out;
  out.spec.name = "api";
  for (std::size_t i = 0; i < shares.size(); ++i) {
    route::Pool& pool = out.pools.emplace_back();
    pool.name = "p" + std::to_string(i);
    pool.share = shares[i];
    pool.live = std::make_shared<observe::PoolLive>(1);
  }
  out.split = route::SplitTable(shares);
  out.sequence = std::make_shared<observe::SplitSequence>(1);
  out.live = std::make_shared<observe::ServiceLive>(1);
  return out;
}

// The same with sticky keys, and slots that come from p0.
inline route::Service sticky_service(const std::vector<config::Share>& shares, config::StickySpec sticky) {
  auto out = service(shares);
  out.spec.sticky = std::move(sticky);
  route::SlotTable table(shares.size(), 0);
  table.apply(shares);
  out.slots = std::make_shared<const route::SlotMap>(table.owners());
  return out;
}

// A backend that is ready, with an address and nothing known of its health.
inline route::Backend backend(const std::string& name, std::uint32_t id, std::uint32_t weight = 1) {
  route::Backend out;
  out.name = out.address = name;
  out.endpoints.emplace_back();
  out.weight = weight;
  out.live = std::make_shared<observe::BackendLive>(id, 1);
  return out;
}

}  // namespace sluice::testing
