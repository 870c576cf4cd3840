// Drain, ready, maint, weight, add, remove, wait: D1-D5, H1.
#include <boost/json/serialize.hpp>

#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using namespace std::chrono_literals;
using observe::Admin;
using observe::Health;
using protocol::Exit;

struct BackendsTest : ControlFixture {
  BackendsTest() { start(); }

  static protocol::Drain drain_of(protocol::Target what, std::chrono::milliseconds timeout = 30s,
                                  bool wait = false) {
    protocol::Drain drain;
    drain.target = std::move(what);
    drain.timeout = timeout;
    drain.wait = wait;
    return drain;
  }
  static protocol::Wait wait_for(protocol::Wait::Condition condition, protocol::Target what,
                                 std::chrono::milliseconds timeout) {
    protocol::Wait wait;
    wait.condition = condition;
    wait.target = std::move(what);
    wait.timeout = timeout;
    return wait;
  }
  std::string admin_of(std::size_t pool, std::size_t backend) const {
    return control->views().status_now().services.at(0).pools.at(pool).backends.at(backend).admin;
  }
  bool drain_began(std::size_t pool, std::size_t backend) const {
    return control->views().status_now().services.at(0).pools.at(pool).backends.at(backend).drain.has_value();
  }
  const protocol::Target first = target("blue", "127.0.0.1:9001");
};

TEST_F(BackendsTest, D2_a_drained_backend_is_reported_when_nothing_is_in_flight) {
  in_flight(0, 0).add();
  const auto reply = loop.run(control->change(by(), drain_of(first)));
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_EQ(live(0, 0).admin.load(), Admin::draining);
  EXPECT_EQ(admin_of(0, 0), "draining");
  in_flight(0, 0).sub();
  ASSERT_TRUE(loop.run_until([this] { return admin_of(0, 0) == "drained"; }));
}

TEST_F(BackendsTest, drain_and_wait_says_how_it_ended) {
  in_flight(0, 0).add(2);
  std::optional<Reply> reply;
  loop.begin(control->change(by(), drain_of(first, 300ms, true)), reply);
  ASSERT_TRUE(loop.run_until([this] { return drain_began(0, 0); }));
  EXPECT_FALSE(reply);
  in_flight(0, 0).sub();
  ASSERT_TRUE(loop.run_until([&] { return reply.has_value(); }));
  ASSERT_TRUE(*reply);
  const auto& drained = (*reply)->more.at("drained").as_object();
  EXPECT_EQ(drained.at("clean").to_number<int>(), 1);
  EXPECT_EQ(drained.at("forced").to_number<int>(), 1) << "closed at the deadline (D3)";
  EXPECT_EQ(control->counters().drains_forced, 1u);
}

TEST_F(BackendsTest, D3_a_second_drain_is_unchanged_and_keeps_the_deadline) {
  in_flight(0, 0).add();
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(first, 80ms))));
  const auto second = loop.run(control->change(by(), drain_of(first, 1h)));
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->changed);
  ASSERT_TRUE(loop.run_until([this] { return admin_of(0, 0) == "drained"; }));
  EXPECT_EQ(in_flight(0, 0).get(), 0u);
}

TEST_F(BackendsTest, D1_a_second_drain_may_still_end_the_tunnels) {
  in_flight(0, 0).add();
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(first))));
  auto again = drain_of(first);
  again.websockets.kind = protocol::Websockets::Kind::now;
  ASSERT_TRUE(loop.run(control->change(by(), again)));
  EXPECT_EQ(workers.tunnels.at(live(0, 0).id).kind, worker::TunnelPolicy::Kind::now);
}

TEST_F(BackendsTest, D1_a_paced_drain_tells_them_a_lot_at_a_time) {
  in_flight(1, 0).add(30);
  in_flight(1, 1).add(10);
  workers.long_open = {25, 15};
  auto drain = drain_of(target("green"));
  drain.websockets = {protocol::Websockets::Kind::paced, drain.websockets.window, 100};
  ASSERT_TRUE(loop.run(control->change(by(), drain)));
  EXPECT_TRUE(workers.tunnels.empty()) << "none is told by itself";
  const auto told = [this] {
    std::size_t sum = 0;
    for (const auto& lot : workers.closings) sum += lot[0] + lot[1];
    return sum;
  };
  ASSERT_TRUE(loop.run_until([&] { return told() > 0; }));
  EXPECT_LT(told(), 25u) << "a tenth of a second's worth, or little more";
  const auto pace = loop.run(control->status()).services.at(0).pools.at(1).backends.at(0).drain->pace;
  ASSERT_TRUE(pace);
  EXPECT_EQ(pace->asked, 100u);
  EXPECT_EQ(pace->now, 100);
  EXPECT_EQ(pace->left, workers.long_open[0] + workers.long_open[1]);
  ASSERT_TRUE(loop.run_until([&] { return told() == 40; }));
}

TEST_F(BackendsTest, D1_a_backend_that_is_ready_again_loses_no_more) {
  in_flight(0, 0).add(1000);
  workers.long_open = {1000, 0};
  auto drain = drain_of(first, 1h);
  drain.websockets = {protocol::Websockets::Kind::paced, drain.websockets.window, 100};
  ASSERT_TRUE(loop.run(control->change(by(), drain)));
  ASSERT_TRUE(loop.run_until([this] { return workers.closings.size() > 2; }));
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Ready{first})));
  const std::size_t lots = workers.closings.size();
  loop.io.restart();
  loop.io.run_for(300ms);
  EXPECT_EQ(workers.closings.size(), lots);
}

TEST_F(BackendsTest, D1_a_pace_that_the_timeout_does_not_allow_is_refused) {
  live(0, 0).per_worker[0].tunnels.add(50);
  auto drain = drain_of(first, 30s);
  drain.websockets = {protocol::Websockets::Kind::paced, drain.websockets.window, 1};
  const auto refused = loop.run(control->change(by(), drain));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail,
            "paced:1/s needs 50s for 50 long connections, the timeout is 30s; nothing was changed");
  EXPECT_EQ(admin_of(0, 0), "ready");
  drain.timeout = 0s;
  EXPECT_TRUE(loop.run(control->change(by(), drain)));
}

TEST_F(BackendsTest, a_pools_drain_is_that_of_all_its_backends) {
  in_flight(1, 0).add(1);
  in_flight(1, 1).add(2);
  std::optional<Reply> reply;
  loop.begin(control->change(by(), drain_of(target("green"), 30s, true)), reply);
  ASSERT_TRUE(loop.run_until([this] { return drain_began(1, 0) && drain_began(1, 1); }));
  in_flight(1, 0).sub(1);
  in_flight(1, 1).sub(2);
  ASSERT_TRUE(loop.run_until([&] { return reply.has_value(); }));
  EXPECT_EQ((*reply)->more.at("drained").at("clean").to_number<int>(), 3);
}

TEST_F(BackendsTest, D5_status_names_what_blocks_a_drain) {
  in_flight(0, 0).add();
  workers.blocking.requests = 1;
  workers.blocking.oldest = 4s;
  workers.blocking.oldest_path = "/slow";
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(first))));
  const auto status = loop.run(control->status());
  const auto& backend = status.services.at(0).pools.at(0).backends.at(0);
  ASSERT_TRUE(backend.drain);
  EXPECT_EQ(backend.drain->requests, 1u);
  EXPECT_EQ(backend.drain->oldest_path, "/slow");
  EXPECT_FALSE(backend.drain->finished);
  ASSERT_TRUE(backend.drain->left);
  EXPECT_GT(*backend.drain->left, 20s);
}

TEST_F(BackendsTest, D4_ready_again_at_any_time) {
  in_flight(0, 0).add();
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(first))));
  EXPECT_TRUE(drain_began(0, 0));
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Ready{first})));
  EXPECT_EQ(admin_of(0, 0), "ready");
  EXPECT_EQ(in_flight(0, 0).get(), 1u);
  EXPECT_FALSE(drain_began(0, 0)) << "its deadline is void";
}

TEST_F(BackendsTest, a_drain_goes_on_after_a_restart) {
  in_flight(0, 0).add();
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(first))));
  restart();
  EXPECT_EQ(live(0, 0).admin.load(), Admin::draining);
  EXPECT_EQ(admin_of(0, 0), "drained") << "nothing survived that could be in flight";
}

TEST_F(BackendsTest, C5_draining_the_last_eligible_backend_of_a_share_is_refused_or_done_with_a_warning) {
  const auto refused = loop.run(control->change(by(), drain_of(target("blue"))));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::refused);
  EXPECT_NE(refused.error().suggestion.find("sluicectl cutover api=green, or repeat it with --force"),
            std::string::npos);
  Invocation forced = by();
  forced.options.force = true;
  const auto reply = loop.run(control->change(std::move(forced), drain_of(target("blue"))));
  ASSERT_TRUE(reply);
  ASSERT_TRUE(reply->more.contains("warnings"));
  EXPECT_NE(boost::json::serialize(reply->more.at("warnings")).find("api/blue has 100% of the requests"),
            std::string::npos);
}

TEST_F(BackendsTest, maint_and_weight) {
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Maint{first})));
  EXPECT_EQ(admin_of(0, 0), "maint");
  protocol::Weight weight;
  weight.target = first;
  EXPECT_EQ(loop.run(control->change(by(), weight)).error().exit, Exit::usage);
  weight.weight = 5;
  const auto reply = loop.run(control->change(by(), weight));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->after.at("weight").to_number<int>(), 5);
  EXPECT_EQ(backend_in(in_force(), 0, 0).weight, 5u);
}

TEST_F(BackendsTest, add_and_remove) {
  protocol::Add add;
  add.target = target("blue", "b3");
  add.address = "127.0.0.1:9003";
  add.weight = 2;
  const auto added = loop.run(control->change(by(), add));
  ASSERT_TRUE(added) << added.error().detail;
  EXPECT_TRUE(added->before.is_null());
  EXPECT_EQ(added->after.at("address").as_string(), "127.0.0.1:9003");
  ASSERT_EQ(in_force().services[0].pools[0].backends.size(), 3u);
  protocol::Remove remove;
  remove.target = add.target;
  in_flight(0, 2).add();
  std::optional<Reply> removed;
  loop.begin(control->change(by(), remove), removed);
  ASSERT_TRUE(loop.run_until([this] { return drain_began(0, 2); }));
  loop.io.restart();
  loop.io.run_for(30ms);
  EXPECT_FALSE(removed) << "remove drains first";
  EXPECT_TRUE(control->views().status_now().services[0].pools[0].backends[2].removing);
  in_flight(0, 2).sub();
  ASSERT_TRUE(loop.run_until([&] { return removed.has_value(); }));
  ASSERT_TRUE(*removed) << (*removed).error().detail;
  EXPECT_EQ((*removed)->generation, 4u) << "one for the drain, one for the removal";
  EXPECT_TRUE((*removed)->after.is_null());
  EXPECT_EQ((*removed)->more.at("drained").at("clean").to_number<int>(), 1);
  EXPECT_EQ(in_force().services[0].pools[0].backends.size(), 2u);
}

TEST_F(BackendsTest, a_backend_made_ready_while_it_waits_to_be_removed_stays) {
  in_flight(0, 0).add();
  protocol::Remove remove;
  remove.target = first;
  std::optional<Reply> removed;
  loop.begin(control->change(by(), remove), removed);
  ASSERT_TRUE(loop.run_until([this] { return live(0, 0).admin.load() == Admin::draining; }));
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Ready{first})));
  ASSERT_TRUE(loop.run_until([&] { return removed.has_value(); }));
  ASSERT_FALSE(*removed);
  EXPECT_EQ((*removed).error().exit, Exit::conflict);
  EXPECT_EQ(in_force().services[0].pools[0].backends.size(), 2u);
}

TEST_F(BackendsTest, H4_a_name_that_is_not_known_yet_is_added_and_said) {
  options.look_up = answering(loop.io.get_executor(),
                              [](const io::NameQuestion&) { return nowhere("there is no such name"); });
  restart();
  protocol::Add add;
  add.target = target("blue", "typo.test:80");
  const auto reply = loop.run(control->change(by(), add));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->more.at("warnings").as_array().size(), 1u);
  EXPECT_EQ(reply->more.at("warnings").as_array()[0].as_string(),
            "api/blue/typo.test:80 is down until its name is known: it cannot be resolved: 'typo.test': "
            "there is no such name");
}

TEST_F(BackendsTest, add_waits_until_healthy_or_says_that_it_is_late) {
  spec.services[0].health_check.emplace();
  spec.services[0].health_check->interval = 1h;
  restart();
  protocol::Add add;
  add.target = target("blue", "127.0.0.1:1");
  add.wait_healthy = 30ms;
  const auto reply = loop.run(control->change(by(), add));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::timed_out);
  EXPECT_EQ(in_force().services[0].pools[0].backends.size(), 3u) << "it goes on";
}

TEST_F(BackendsTest, wait_for_what_is_so_returns_at_once) {
  using Condition = protocol::Wait::Condition;
  EXPECT_TRUE(loop.run(control->wait(wait_for(Condition::healthy, target("blue"), 1s))))
      << "no check, not ejected";
  const auto late = loop.run(control->wait(wait_for(Condition::drained, target("blue"), 20ms)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().exit, Exit::timed_out);
  ASSERT_TRUE(loop.run(control->change(by(), drain_of(target("green")))));
  const auto drained = loop.run(control->wait(wait_for(Condition::drained, target("green"), 1s)));
  ASSERT_TRUE(drained);
  EXPECT_TRUE(drained->drained);
  const auto nobody = loop.run(control->wait(wait_for(Condition::healthy, target("gren"), 1s)));
  EXPECT_EQ(nobody.error().exit, Exit::not_found);
}

TEST_F(BackendsTest, cutover_waits_until_nothing_runs_in_the_pool_it_left) {
  in_flight(0, 0).add();
  protocol::Cutover message;
  message.services = {{"api", "green"}};
  message.wait_drained = true;
  std::optional<Reply> reply;
  loop.begin(control->change(by(), message), reply);
  ASSERT_TRUE(loop.run_until([this] { return share(1) == kWhole; }));
  loop.io.restart();
  loop.io.run_for(30ms);
  EXPECT_FALSE(reply);
  in_flight(0, 0).sub();
  ASSERT_TRUE(loop.run_until([&] { return reply.has_value(); }));
  EXPECT_TRUE((*reply)->more.contains("drained"));
}

TEST_F(BackendsTest, cutover_that_waits_too_long_has_still_been_made) {
  in_flight(0, 0).add();
  protocol::Cutover message;
  message.services = {{"api", "green"}};
  message.wait_drained = true;
  message.wait_timeout = 30ms;
  const auto reply = loop.run(control->change(by(), message));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::timed_out);
  EXPECT_EQ(share(1), kWhole);
}

}  // namespace
}  // namespace sluice::change
