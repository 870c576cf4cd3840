#include "control/core/publisher.hpp"

#include <gtest/gtest.h>

#include "unit/core/loop.hpp"
#include "unit/core/snapshots.hpp"

namespace sluice::core {
namespace {

using observe::Admin;
using observe::Health;

struct PublisherTest : testing::Test {
  Loop loop;
  Made made{loop.io.get_executor()};
  config::Spec spec = two_pools();
  state::State state = state::from_spec(spec);

  route::SnapshotPtr publish(const route::SnapshotPtr& previous = nullptr) {
    auto snapshot = made.publisher.build(spec, state, previous.get());
    made.publisher.install(*snapshot);
    return snapshot;
  }
};

TEST_F(PublisherTest, builds_what_the_state_says) {
  state.service("api")->set_shares({95'000, 5'000});
  const auto snapshot = publish();
  ASSERT_EQ(snapshot->services.size(), 1u);
  const route::Service& api = snapshot->services[0];
  EXPECT_EQ(api.pools[0].share, 95'000u);
  EXPECT_EQ(api.pools[1].share, 5'000u);
  EXPECT_EQ(api.stable, 0u);
  EXPECT_EQ(api.slots, nullptr) << "no sticky keys, no table";
  EXPECT_EQ(api.split.pool_at(94'999), 0u);
  EXPECT_EQ(api.split.pool_at(95'000), 1u);
  EXPECT_EQ(to_string(backend_in(*snapshot, 0, 1).endpoint), "127.0.0.1:9002");
  EXPECT_EQ(snapshot->routes.size(), 1u);
}

TEST_F(PublisherTest, S3_an_unrelated_change_keeps_the_sequence_a_new_table_begins_one) {
  const auto first = publish();
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->weight = 7;
  const auto second = publish(first);
  EXPECT_EQ(second->services[0].sequence, first->services[0].sequence);
  state.service("api")->set_shares({50'000, 50'000});
  const auto third = publish(second);
  EXPECT_NE(third->services[0].sequence, second->services[0].sequence);
  EXPECT_NE(third->services[0].sequence->seed, second->services[0].sequence->seed);
}

TEST_F(PublisherTest, S3_a_pool_without_a_share_that_comes_is_no_new_table) {
  const auto first = publish();
  spec.services[0].pools.push_back(pool_spec("v3", {"127.0.0.1:9201"}));
  spec.services[0].split.emplace_back("v3", 0);
  state = state::from_spec(spec);
  EXPECT_EQ(publish(first)->services[0].sequence, first->services[0].sequence);
}

TEST_F(PublisherTest, S4_the_table_of_owners_is_made_only_when_it_changes) {
  spec.services[0].sticky.emplace();
  const auto first = publish();
  ASSERT_NE(first->services[0].slots, nullptr);
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->weight = 7;
  const auto second = publish(first);
  EXPECT_EQ(second->services[0].slots, first->services[0].slots);
  state.service("api")->set_shares({90'000, 10'000});
  const auto third = publish(second);
  EXPECT_NE(third->services[0].slots, second->services[0].slots);
  std::size_t green = 0;
  for (const auto owner : *third->services[0].slots) green += owner == 1;
  EXPECT_EQ(green, 10'000u);
}

TEST_F(PublisherTest, C4_live_objects_are_the_same_in_every_snapshot) {
  const auto first = publish();
  state.service("api")->set_shares({1, 99'999});
  const auto second = publish(first);
  EXPECT_EQ(backend_in(*first, 0, 0).live, backend_in(*second, 0, 0).live);
  EXPECT_EQ(first->services[0].pools[1].live, second->services[0].pools[1].live);
  EXPECT_EQ(first->services[0].live, second->services[0].live);
}

TEST_F(PublisherTest, a_backend_at_another_address_is_another_one_with_a_new_id) {
  const auto first = publish();
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->address = "127.0.0.1:9999";
  const auto second = publish(first);
  EXPECT_NE(backend_in(*first, 0, 0).live->id, backend_in(*second, 0, 0).live->id);
  const std::size_t size = made.registry.size();
  publish(second);
  EXPECT_EQ(made.registry.size(), size) << "what no snapshot names is forgotten";
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->address = "127.0.0.1:9001";
  const auto third = publish(second);
  EXPECT_GT(backend_in(*third, 0, 0).live->id, backend_in(*second, 0, 0).live->id)
      << "an id is never given twice";
}

TEST_F(PublisherTest, D2_admin_states_are_visible_with_install_and_not_before) {
  publish();
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->admin = Admin::draining;
  const auto built = made.publisher.build(spec, state, nullptr);
  const auto& live = *backend_in(*built, 0, 0).live;
  EXPECT_EQ(live.admin.load(), Admin::ready);
  made.publisher.install(*built);
  EXPECT_EQ(live.admin.load(), Admin::draining);
}

TEST_F(PublisherTest, S8_a_listener_with_fixed_pools_knows_them_by_index) {
  config::ListenerSpec listener;
  listener.name = "green-preview";
  listener.pools["api"] = "green";
  spec.listeners = {listener};
  const auto snapshot = publish();
  ASSERT_EQ(snapshot->listener_pools.size(), 1u);
  EXPECT_EQ(snapshot->listener_pools[0].listener, "green-preview");
  ASSERT_EQ(snapshot->listener_pools[0].pools.size(), 1u);
  EXPECT_EQ(snapshot->listener_pools[0].pools[0].pool, 1u);
}

TEST_F(PublisherTest, H1_unknown_counts_only_while_nothing_in_the_pool_is_known_to_be_up) {
  const auto snapshot = publish();
  const route::Pool& blue = snapshot->services[0].pools[0];
  EXPECT_EQ(eligible_count(blue), 2u);
  blue.backends[0].live->health.store(Health::up);
  EXPECT_EQ(eligible_count(blue), 1u);
  EXPECT_FALSE(eligible_in(blue, blue.backends[1]));
  blue.backends[0].live->health.store(Health::down);
  EXPECT_TRUE(eligible_in(blue, blue.backends[1]));
  EXPECT_FALSE(eligible_in(blue, blue.backends[0]));
}

TEST(PublisherNames, T3_a_service_that_cannot_be_reached_is_set_aside_alone) {
  Loop loop;
  Made made(loop.io.get_executor(), [](const std::string&) {
    return Lookup{std::nullopt, "Name not known"};
  });
  config::Spec spec = two_pools();
  spec.services.push_back(spec.services[0]);
  spec.services[1].name = "lost";
  spec.services[1].pools[0] = pool_spec("blue", {"no-such-host.test:80"});
  const auto state = state::from_spec(spec);
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const auto snapshot = made.publisher.build(spec, state, nullptr);
  EXPECT_TRUE(snapshot->services[0].set_aside.empty());
  EXPECT_NE(snapshot->services[1].set_aside.find("'no-such-host.test' does not resolve: Name not known"),
            std::string::npos)
      << snapshot->services[1].set_aside;
}

TEST(PublisherNames, one_unresolved_backend_does_not_take_its_service_along) {
  Loop loop;
  Made made(loop.io.get_executor());
  config::Spec spec = two_pools();
  spec.services[0].pools[0].backends.push_back(pool_spec("", {"not-asked-yet.test:80"}).backends[0]);
  const auto snapshot = made.publisher.build(spec, state::from_spec(spec), nullptr);
  EXPECT_TRUE(snapshot->services[0].set_aside.empty());
  EXPECT_EQ(snapshot->services[0].pools[0].backends.size(), 2u);
}

}  // namespace
}  // namespace sluice::core
