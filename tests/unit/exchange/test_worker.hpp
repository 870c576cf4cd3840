// What an exchange needs of its worker, without a thread and without a socket: one service with its pools, in
// simulated time. `Connector` makes the fake requests to backends.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/context.hpp"

namespace sluice::exchange {

using namespace std::chrono_literals;

template <class Connector>
class TestWorker {
 public:
  // `connector_arguments` follow the poller and the wheel.
  template <class... Arguments>
  explicit TestWorker(Arguments&... connector_arguments)
      : connector(worker.poller, worker.wheel, connector_arguments...) {
    spec.name = "api";
    context.suspect = [this](std::uint32_t id) { suspects.push_back(id); };
    context.unreachable = [](std::uint32_t) {};
    context.offer_slot = [this](QueueKey key) { context.concurrency.wake_next(key); };
  }

  // Pools in order; the first is stable.
  void add_pool(const std::string& name, config::Share share, int backends) {
    route::Pool pool;
    pool.name = name;
    pool.share = share;
    pool.live = std::make_shared<observe::PoolLive>(1);
    for (int i = 0; i < backends; ++i) {
      route::Backend backend;
      backend.name = name + std::to_string(i);
      backend.address = backend.authority = "192.0.2.1:80";
      backend.endpoints.resize(1);
      backend.live = std::make_shared<observe::BackendLive>(next_id_++, 1);
      pool.backends.push_back(backend);
    }
    pools.push_back(pool);
  }

  // What is set in the fields below is in force from now on.
  void publish() {
    auto snapshot = std::make_shared<route::Snapshot>();
    snapshot->generation = ++generation_;
    snapshot->preview_key = preview_key;
    snapshot->services.push_back(service());
    snapshot->has_grpc_web = snapshot->looks_closer = spec.grpc_web;
    config::RouteSpec route;
    route.service = "api";
    route.path = "/";
    route.headers = route_headers;
    snapshot->routes =
        std::make_shared<const route::RouteTable>(std::vector{route}, std::vector<std::string>{"api"});
    context.view = context.backends.adopt(snapshot);
    context.pauses.adopt(*context.view);
    context.mirrors.adopt(*context.view);
  }

  // One round of the worker's loop, `time` after the last one.
  void round(std::chrono::milliseconds time = 0ms) {
    worker.poller.wait(0ms);
    worker.wheel.advance(time_ += time);
  }
  // A drain's deadline for all that runs (D3).
  void abort_activities() {
    context.backends.each_backend([](upstream::Backend& backend) {
      backend.each_activity([](upstream::Activity& activity) { activity.abort(); });
    });
  }
  observe::PoolCounters& counters(std::size_t pool) { return pools[pool].live->per_worker[0]; }
  observe::BackendCounters& backend(std::size_t pool, std::size_t index = 0) {
    return pools[pool].backends[index].live->per_worker[0];
  }
  observe::ServiceCounters& service_counters() { return live->per_worker[0]; }

  // What is still counted somewhere when nothing should be. Empty: nothing.
  std::string left() {
    std::string found;
    const auto zero = [&found](std::string_view what, std::uint64_t value) {
      if (value != 0) found += std::string(what) + " is " + std::to_string(value) + "; ";
    };
    zero("service in_flight", live->in_flight.load());
    zero("service waiting", live->waiting.load() + live->waiting_for_backend.load());
    zero("held", live->hold.held.load());
    zero("retry_in_flight", service_counters().retry_in_flight.get());
    zero("mirror_in_flight", service_counters().mirror_in_flight.get());
    zero("open requests", static_cast<std::uint64_t>(connector.open_requests()));
    for (const auto& pool : pools) {
      zero(pool.name + " in_flight", pool.live->per_worker[0].in_flight.get());
      zero(pool.name + " previews", pool.live->previews[0].in_flight.get());
      for (const auto& backend : pool.backends) {
        zero(backend.name + " in_flight", backend.live->in_flight());
        zero(backend.name + " tunnels", backend.live->per_worker[0].tunnels.get());
      }
    }
    context.backends.each_backend([&](upstream::Backend& backend) {
      backend.each_activity([&](upstream::Activity&) { zero("activities", 1); });
    });
    return found;
  }

  client::WorkerContext worker{0};
  Connector connector;
  Context context{worker, connector};
  config::ServicePolicies spec;
  std::optional<route::Hold> hold;
  std::vector<route::Flag> flags;
  std::optional<route::MirrorTo> mirror;
  std::optional<route::PreviewKey> preview_key;
  std::vector<std::pair<std::string, std::string>> route_headers;  // that the service's route asks for
  std::shared_ptr<observe::ServiceLive> live = std::make_shared<observe::ServiceLive>(2);
  std::vector<route::Pool> pools;
  std::vector<std::uint32_t> suspects;  // ids of backends that control was told of (H3)

 private:
  route::Service service() const {
    route::Service made;
    made.spec = spec;
    made.live = live;
    made.sequence = sequence_;
    std::vector<config::Share> shares;
    for (const auto& pool : pools) shares.push_back(pool.share);
    made.pools = pools;
    made.split = route::SplitTable(shares);
    made.hold = hold;
    made.flags = flags;
    made.mirror = mirror;
    return made;
  }

  std::shared_ptr<observe::SplitSequence> sequence_ = std::make_shared<observe::SplitSequence>(1);
  std::uint32_t next_id_ = 0;
  std::uint64_t generation_ = 0;
  std::chrono::milliseconds time_{0};
};

}  // namespace sluice::exchange
