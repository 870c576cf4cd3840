// One exchange between a fake client and fake backends: two pools, the canary chosen, the stable one
// rescuing.
#pragma once

#include "fakes.hpp"

namespace sluice::exchange {

using namespace std::chrono_literals;

class Bench {
 public:
  Bench(const Script& script, Fault fault, int at) : script_(script) {
    steps.fault = fault;
    steps.at = at;
    spec.name = "api";
    spec.retries.attempts = 3;
    spec.timeouts.connect = 1s;
    spec.timeouts.response = 2s;
    spec.timeouts.tunnel = 60s;
    context.suspect = [](std::uint32_t) {};
    context.unreachable = [](std::uint32_t) {};
    context.offer_slot = [this](QueueKey key) { context.concurrency.wake_next(key); };
    add_pool("stable", 0, 2);
    add_pool("canary", config::kWhole, 1);
  }

  // The client's request comes.
  void begin() {
    publish();
    stream = std::make_unique<FakeStream>(worker.poller, worker.wheel, script_, steps);
    spawn(serve());
  }
  // So many rounds of the worker's loop, or until the exchange is over.
  void rounds(int count) {
    for (; count > 0 && !over_; --count) {
      if (!struck_ && steps.fault != Fault::none && steps.taken >= steps.at) strike();
      worker.poller.wait(0ms);
      worker.wheel.advance(time_ += 20ms);
    }
  }
  // Until the exchange is over. False: it never would be.
  bool finish() {
    rounds(5'000);
    return over_;
  }
  bool run() {
    begin();
    return finish();
  }
  // Drained, held and counted by nobody any more: what is still counted somewhere. Empty: nothing.
  std::string left() {
    std::string found;
    const auto zero = [&found](std::string_view what, std::uint64_t value) {
      if (value != 0) found += std::string(what) + " is " + std::to_string(value) + "; ";
    };
    zero("service in_flight", live->in_flight.load());
    zero("service waiting", live->waiting.load() + live->waiting_for_backend.load());
    zero("held", live->hold.held.load());
    zero("retry_in_flight", live->per_worker[0].retry_in_flight.get());
    zero("open requests", static_cast<std::uint64_t>(connector.seen.open));
    for (const auto& pool : pools) {
      zero(pool.name + " in_flight", pool.live->per_worker[0].in_flight.get());
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

  void publish() {
    auto snapshot = std::make_shared<route::Snapshot>();
    snapshot->generation = ++generation_;
    route::Service service;
    service.spec = spec;
    service.live = live;
    service.sequence = sequence_;
    std::vector<config::Share> shares;
    for (const auto& pool : pools) shares.push_back(pool.share);
    service.pools = pools;
    service.split = route::SplitTable(shares);
    service.hold = hold;
    snapshot->services.push_back(service);
    config::RouteSpec route;
    route.service = "api";
    route.path = "/";
    snapshot->routes = route::RouteTable({route}, {"api"});
    context.view = context.backends.adopt(snapshot);
    context.pauses.adopt(*context.view);
  }

  Steps steps;
  config::ServicePolicies spec;
  std::optional<route::Hold> hold;
  client::WorkerContext worker{0};
  FakeConnector connector{worker.poller, worker.wheel, script_, steps};
  Context context{worker, connector};
  std::shared_ptr<observe::ServiceLive> live = std::make_shared<observe::ServiceLive>(1);
  std::vector<route::Pool> pools;
  std::unique_ptr<FakeStream> stream;

 private:
  Task<void> serve() {
    Exchange exchange(context, *stream);
    co_await exchange.run();
    over_ = true;
  }
  // What comes from outside, between two steps of the exchange.
  void strike() {
    struck_ = true;
    if (steps.fault == Fault::client_half_closed) stream->half_close();
    if (steps.fault == Fault::shut_down) stream->lose();
    if (steps.fault == Fault::drained)
      context.backends.each_backend([](upstream::Backend& backend) {
        backend.each_activity([](upstream::Activity& activity) { activity.cut(); });
      });
  }
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

  const Script script_;
  std::shared_ptr<observe::SplitSequence> sequence_ = std::make_shared<observe::SplitSequence>(1);
  std::uint32_t next_id_ = 0;
  std::uint64_t generation_ = 0;
  std::chrono::milliseconds time_{0};
  bool over_ = false, struck_ = false;
};

}  // namespace sluice::exchange
