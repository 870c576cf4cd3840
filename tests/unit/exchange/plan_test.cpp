// A request's plan without a connection: route, limits, pool (S8, X7, G6).
#include "proxy/exchange/plan.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::exchange {
namespace {

std::int64_t no_time() {
  ADD_FAILURE() << "the time is asked for without a preview token";
  return 0;
}

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    for (const char* name : {"stable", "canary"}) {
      route::Pool pool;
      pool.name = name;
      pool.live = std::make_shared<observe::PoolLive>(1);
      service.pools.push_back(pool);
    }
    service.spec.name = "api";
    service.live = std::make_shared<observe::ServiceLive>(1);
    service.sequence = std::make_shared<observe::SplitSequence>(1);
    service.split = route::SplitTable(std::vector<config::Share>{0, config::kWhole});
  }
  Plan plan() {
    auto snapshot = std::make_shared<route::Snapshot>(base);
    snapshot->services.push_back(service);
    config::RouteSpec route;
    route.service = "api";
    route.path = "/a";
    snapshot->routes =
        std::make_shared<const route::RouteTable>(std::vector{route}, std::vector<std::string>{"api"});
    Plan made;
    made.view = backends.adopt(snapshot);
    return made;
  }
  Plan decided() {
    Plan made = plan();
    EXPECT_FALSE(match_route(made, stream.head()));
    decide(made, stream, no_time);
    return made;
  }

  Script script;
  Steps steps;
  net::Poller poller;
  net::TimerWheel wheel;
  FakeStream stream{poller, wheel, script, steps};
  route::Snapshot base;
  route::Service service;
  upstream::WorkerBackends backends{0};
};

TEST_F(PlanTest, a_request_that_no_route_matches_has_no_service) {
  Plan made = plan();
  http::RequestHead head = stream.head();
  head.path = "/elsewhere";
  EXPECT_EQ(match_route(made, head).kind, FailureKind::no_route);
  EXPECT_EQ(made.service, nullptr);
}

TEST_F(PlanTest, T3_a_service_that_could_not_be_built_is_known_and_refused) {
  service.disabled = "its certificate is missing";
  Plan made = plan();
  EXPECT_EQ(match_route(made, stream.head()).kind, FailureKind::disabled);
  EXPECT_NE(made.service, nullptr);
}

TEST_F(PlanTest, S8_the_split_decides_and_the_listener_s_pool_goes_before_it) {
  EXPECT_EQ(decided().chosen->pool->name, "canary");
  base.listener_pools.push_back({"web", {{0, 0}}});
  const Plan fixed = decided();
  EXPECT_EQ(fixed.chosen->pool->name, "stable");
  EXPECT_EQ(fixed.decision.by, route::DecisionSource::listener);
}

TEST_F(PlanTest, G6_a_pool_that_failed_its_guard_is_not_asked) {
  service.watched_pool = 1;
  service.breaker = std::make_shared<observe::Breaker>(10, 1, 10);
  const Plan before = decided();
  EXPECT_EQ(before.chosen->pool->name, "canary");
  EXPECT_EQ(before.breaker, observe::Breaker::Entry::counted);
  service.breaker->count(true);
  const Plan after = decided();
  EXPECT_EQ(after.chosen->pool->name, "stable");
  EXPECT_EQ(after.breaker, observe::Breaker::Entry::refused);
}

TEST_F(PlanTest, X7_a_rate_limit_says_how_long_its_key_must_wait) {
  config::RateLimitSpec limit;
  limit.period_micros = 1'000'000;
  limit.burst = 1;
  limit.key.keys = {config::StickyKey{}};
  service.spec.rate_limit = limit;
  service.rates = std::make_shared<observe::RateTable>();
  Plan made = plan();
  ASSERT_FALSE(match_route(made, stream.head()));
  const auto now = std::chrono::seconds(100);
  EXPECT_EQ(take_rate(made, stream.head(), "192.0.2.7", now), 0u);
  const auto wait = take_rate(made, stream.head(), "192.0.2.7", now);
  EXPECT_GT(wait, 0u);
  EXPECT_LE(wait, 1'000'000u);
  EXPECT_EQ(take_rate(made, stream.head(), "198.51.100.9", now), 0u) << "another client waits for nothing";
}

}  // namespace
}  // namespace sluice::exchange
