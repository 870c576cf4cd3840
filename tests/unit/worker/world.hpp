// A worker's world on the test's own thread: real client connections and exchanges between client sockets and
// origins that do what the test says. Time is the test's: skip() lets it pass.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/client/connection.hpp"
#include "proxy/exchange/handler.hpp"
#include "proxy/upstream/protocol_connector.hpp"
#include "support/peer.hpp"

namespace sluice::worker {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class World {
 public:
  World() {
    spec.name = "api";
    info->spec.name = "web";
    info->spec.header_timeout = info->spec.body_timeout = info->spec.idle_timeout = 60s;
    info->spec.min_body_rate = 0;
    context.suspect = [](std::uint32_t) {};
    context.unreachable = [](std::uint32_t) {};
    context.offer_slot = [this](exchange::QueueKey key) { context.concurrency.wake_next(key); };
  }
  ~World() { end(); }

  Origin& origin() { return *origins.emplace_back(std::make_unique<Origin>()); }

  // Pools in order; the first is stable.
  void pool(const std::string& name, config::Share share, const std::vector<std::uint16_t>& ports) {
    route::Pool made;
    made.name = name;
    made.share = share;
    made.live = std::make_shared<observe::PoolLive>(1);
    for (const auto port : ports) {
      route::Backend backend;
      backend.name = name + std::to_string(made.backends.size());
      backend.address = "127.0.0.1:" + std::to_string(port);
      backend.authority = backend.address;
      backend.endpoints.resize(1);
      backend.endpoints[0].ip = *parse_ip("127.0.0.1");
      backend.endpoints[0].port = port;
      backend.live = std::make_shared<observe::BackendLive>(next_id_++, 1);
      made.backends.push_back(backend);
    }
    pools.push_back(made);
  }

  void publish() {
    auto snapshot = std::make_shared<route::Snapshot>();
    snapshot->generation = ++generation_;
    route::Service service;
    service.spec = spec;
    service.live = live;
    service.sequence = sequence_;
    std::vector<config::Share> shares;
    for (const auto& each : pools) shares.push_back(each.share);
    service.pools = pools;
    service.split = route::SplitTable(shares);
    service.flags = flags;
    if (spec.sticky) {
      route::SlotTable table(shares.size(), 0);
      table.apply(shares);
      service.slots = std::make_shared<const route::SlotMap>(table.owners());
    }
    snapshot->services.push_back(service);
    config::RouteSpec route;
    route.service = "api";
    route.path = "/";
    snapshot->routes =
        std::make_shared<const route::RouteTable>(std::vector{route}, std::vector<std::string>{"api"});
    context.view = context.backends.adopt(snapshot);
  }

  // A client, its connection started.
  Peer& client() {
    const auto [ours, theirs] = tcp_pair();
    client::Connection::start(lent, handler, info, theirs, PeerInfo{{*parse_ip("127.0.0.1"), 40'000}, {}},
                              connections);
    return *clients.emplace_back(std::make_unique<Peer>(ours));
  }

  void step() {
    counting = count_allocations;
    lent.poller.wait(0ms);
    lent.wheel.advance(std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - began_) +
                       skipped_);
    counting = false;
    for (auto& each : origins) each->poll();
    for (auto& each : clients) each->poll();
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = net::Clock::now() + 10s;
    while (!condition() && net::Clock::now() < deadline) step();
    return condition();
  }
  // For what must not happen: enough rounds for it to happen.
  void settle() {
    for (int i = 0; i < 30; ++i) step();
  }
  // Until nothing `peer` still has to send goes any more.
  void stall(Peer& peer) {
    bool stalled = false;  // and remembered: until() asks once more at its end
    EXPECT_TRUE(until([this, &peer, &stalled] {
      const auto before = peer.unsent();
      settle();
      return stalled = stalled || peer.unsent() == before;
    }));
    EXPECT_GT(peer.unsent(), 0u);
  }
  void skip(std::chrono::milliseconds time) { skipped_ += time; }

  bool idle() const { return !connections.linked(); }
  observe::PoolCounters& counters(std::size_t pool_index) { return pools[pool_index].live->per_worker[0]; }

  observe::BackendCounters& backend(std::size_t pool_index) {
    return pools[pool_index].backends[0].live->per_worker[0];
  }

  // Everything ends and every gauge is back where it began.
  void end() {
    for (net::WheelHook* hook = connections.next; hook != &connections; hook = hook->next)
      client::Connection::from(*hook).close_now();
    EXPECT_TRUE(until([this] { return idle(); })) << "a connection did not end";
    context.backends.each_backend([](upstream::Backend& each) { each.close_idle(); });
    EXPECT_EQ(live->in_flight.load(), 0u);
    EXPECT_EQ(live->waiting.load(), 0u);
    EXPECT_EQ(live->waiting_for_backend.load(), 0u);
    EXPECT_EQ(live->per_worker[0].retry_in_flight.get(), 0u);
    EXPECT_EQ(lent.counters.connections.get(), 0u);
    EXPECT_EQ(info->connections->load(), 0u);
    for (const auto& each : pools) {
      EXPECT_EQ(each.live->per_worker[0].in_flight.get(), 0u);
      for (const auto& one : each.backends) {
        EXPECT_EQ(one.live->per_worker[0].in_flight.get(), 0u);
        EXPECT_EQ(one.live->per_worker[0].tunnels.get(), 0u);
        EXPECT_EQ(one.live->per_worker[0].connections.get(), 0u);
      }
    }
  }

  static inline bool count_allocations = false;
  static inline thread_local bool counting = false;

  client::WorkerContext lent{0};
  upstream::ProtocolConnector connector{lent.poller, lent.wheel, lent.counters.backend_handshakes};
  exchange::Context context{lent, connector};
  exchange::Handler handler{context};
  config::ServiceSpec spec;
  std::vector<route::Flag> flags;
  std::vector<route::Pool> pools;
  std::shared_ptr<observe::ServiceLive> live = std::make_shared<observe::ServiceLive>(1);
  std::shared_ptr<client::ListenerInfo> info = std::make_shared<client::ListenerInfo>();
  client::ConnectionHook connections;
  std::vector<std::unique_ptr<Origin>> origins;
  std::vector<std::unique_ptr<Peer>> clients;

 private:
  std::shared_ptr<observe::SplitSequence> sequence_ = std::make_shared<observe::SplitSequence>(1);
  std::uint32_t next_id_ = 0;
  std::uint64_t generation_ = 0;
  const net::Clock::time_point began_ = net::Clock::now();
  std::chrono::milliseconds skipped_{0};
};

// A world with one pool of one origin: most tests need no more.
class OneOrigin : public ::testing::Test {
 protected:
  void SetUp() override {
    origin = &world.origin();
    world.pool("stable", config::kWhole, {origin->port()});
    world.publish();
  }
  // The origin's connection number `n`, once it has received `bytes` in all.
  Peer& asked(std::size_t n, std::string_view bytes) {
    EXPECT_TRUE(world.until([&] {
      return origin->size() > n && (*origin)[n].got.find(bytes) != std::string::npos;
    })) << "the origin did not get "
        << bytes;
    return (*origin)[n];
  }
  void answered(Peer& client, std::string_view bytes) {
    EXPECT_TRUE(world.until([&] { return client.got.find(bytes) != std::string::npos; }))
        << "the client got " << client.got << " and not " << bytes;
  }

  World world;
  Origin* origin = nullptr;
};

inline constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace sluice::worker
