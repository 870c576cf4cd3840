#include "control/change/publisher.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/change/targets.hpp"
#include "proxy/route/balance.hpp"
#include "proxy/route/query.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::change {
namespace {

using observe::Admin;
using observe::Health;

struct PublisherTest : testing::Test {
  io::Loop loop;
  Made made{loop.io.get_executor()};
  config::Spec spec = two_pools();
  state::State state = state::from_spec(spec);

  route::SnapshotPtr publish(const route::SnapshotPtr& previous = nullptr) {
    auto snapshot = made.publisher.build(spec, state, previous.get());
    made.publisher.install(*snapshot, previous ? *previous : route::Snapshot());
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
  EXPECT_EQ(io::to_string(backend_in(*snapshot, 0, 1).good()), "127.0.0.1:9002");
  EXPECT_EQ(snapshot->routes->size(), 1u);
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

TEST_F(PublisherTest, a_change_of_the_state_shares_the_routes_a_new_configuration_makes_its_own) {
  const auto first = publish();
  const InForce in_force{spec, state, first};
  state.service("api")->set_shares({50'000, 50'000});
  const auto second = made.publisher.rebuild(in_force, state);
  EXPECT_EQ(second->routes, first->routes);
  EXPECT_EQ(second->services[0].pools[1].share, 50'000u);
  spec.routes[0].host = "api.example.com";
  EXPECT_NE(publish(second)->routes, first->routes);
}

// A change costs what it changes.
TEST_F(PublisherTest, services_that_a_change_leaves_alone_are_shared) {
  spec.services.push_back(spec.services[0]);
  spec.services[1].name = "web";
  state = state::from_spec(spec);
  const auto first = publish();
  const InForce in_force{spec, state, first};
  state.service("web")->set_shares({50'000, 50'000});
  const auto second = made.publisher.rebuild(in_force, state);
  EXPECT_TRUE(second->services.same(0, first->services, 0));
  EXPECT_FALSE(second->services.same(1, first->services, 1));
  std::vector<std::string> changed;
  each_change(*first, *second, [&](const route::Service* before, const route::Service& service) {
    EXPECT_EQ(before, &first->services[1]);
    changed.push_back(service.spec.name);
  });
  EXPECT_EQ(changed, std::vector<std::string>{"web"});
}

// A route leads to the place of its service among those that there are.
TEST_F(PublisherTest, routes_are_made_anew_when_a_service_comes_or_goes) {
  spec.services.push_back(spec.services[0]);
  spec.services[1].name = "web";
  spec.routes[0].service = "web";
  state = state::from_spec(spec);
  const auto both = publish();
  const InForce in_force{spec, state, both};
  state.erase("api");
  http::RequestHead head;
  head.path = "/";
  ASSERT_EQ(both->routes->find(head)->service, 1u);
  EXPECT_EQ(made.publisher.rebuild(in_force, state)->routes->find(head)->service, 0u);
}

TEST_F(PublisherTest, S3_a_pool_without_a_share_that_comes_is_no_new_table) {
  const auto first = publish();
  spec.services[0].pools.push_back(pool_spec("v3", {"127.0.0.1:9201"}));
  spec.services[0].split.emplace_back("v3", 0);
  state = state::from_spec(spec);
  EXPECT_EQ(publish(first)->services[0].sequence, first->services[0].sequence);
}

// An upgrade: another process, with the memory of the first.
struct NextProcess {
  NextProcess(boost::asio::any_io_executor loop, const Publisher& before, const route::Snapshot& in_force)
      : made(loop) {
    made.seed = 1'000;
    const auto text = boost::json::serialize(before.memory.known(in_force));
    remembered = made.publisher.memory.remember(boost::json::parse(text), before.memory.descriptors());
  }
  route::SnapshotPtr start(const config::Spec& spec, const state::State& state) {
    auto snapshot = made.publisher.build(spec, state, nullptr);
    made.publisher.memory.forget();
    return snapshot;
  }
  Made made;
  bool remembered;
};

TEST_F(PublisherTest, S3_the_sequence_of_a_table_goes_on_in_another_process_and_both_take_places_of_it) {
  const auto first = publish();
  first->services[0].sequence->next += 5;
  NextProcess next(loop.io.get_executor(), made.publisher, *first);
  ASSERT_TRUE(next.remembered);
  const auto there = next.start(spec, state);
  EXPECT_EQ(there->services[0].sequence->seed, first->services[0].sequence->seed);
  EXPECT_EQ(there->services[0].sequence->next++, 5u);
  EXPECT_EQ(first->services[0].sequence->next++, 6u);
  state.service("api")->set_shares({50'000, 50'000});
  const auto other = next.made.publisher.build(spec, state, there.get());
  EXPECT_EQ(other->services[0].sequence->next, 0u) << "a new table begins a new block";
  state.service("api")->set_shares({kWhole, 0});
  EXPECT_EQ(next.made.publisher.build(spec, state, other.get())->services[0].sequence->next, 0u)
      << "what the process before this one had is out of date by now";
}

TEST_F(PublisherTest, S3_another_table_begins_anew_in_another_process) {
  const auto first = publish();
  first->services[0].sequence->next += 5;
  NextProcess next(loop.io.get_executor(), made.publisher, *first);
  state.service("api")->set_shares({50'000, 50'000});
  const auto there = next.start(spec, state);
  EXPECT_EQ(there->services[0].sequence->next++, 0u);
  EXPECT_EQ(first->services[0].sequence->next, 5u);
}

TEST_F(PublisherTest, a_rate_limit_is_one_over_two_processes) {
  spec.services[0].rate_limit.emplace();
  const auto first = publish();
  EXPECT_EQ(first->services[0].rates->take(7, 1'000, 1'000'000, 1), 0u);
  NextProcess next(loop.io.get_executor(), made.publisher, *first);
  ASSERT_TRUE(next.remembered);
  const auto there = next.start(spec, state);
  EXPECT_GT(there->services[0].rates->take(7, 2'000, 1'000'000, 1), 0u);
  EXPECT_EQ(there->services[0].rates->take(8, 2'000, 1'000'000, 1), 0u);
  EXPECT_GT(first->services[0].rates->take(8, 3'000, 1'000'000, 1), 0u);
}

TEST_F(PublisherTest, what_another_process_had_begins_anew_when_it_cannot_be_read) {
  const auto first = publish();
  first->services[0].sequence->next += 5;
  const auto known = made.publisher.memory.known(*first);
  const auto descriptors = made.publisher.memory.descriptors();
  ASSERT_EQ(descriptors.size(), 1u);
  Made next(loop.io.get_executor());
  EXPECT_FALSE(next.publisher.memory.remember(nullptr, descriptors));
  EXPECT_FALSE(next.publisher.memory.remember(known, {}));
  EXPECT_FALSE(next.publisher.memory.remember(known, {0})) << "no memory of such objects";
  auto bad = known;
  bad.at("services").at("api").as_object().erase("table");
  EXPECT_FALSE(next.publisher.memory.remember(bad, descriptors));
  EXPECT_EQ(next.publisher.build(spec, state, nullptr)->services[0].sequence->next, 0u);
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
  for (std::uint32_t slot = 0; slot < route::kSlots; ++slot) green += (*third->services[0].slots)[slot] == 1;
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
  made.publisher.install(*built, route::Snapshot());
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

TEST(PublisherNames, H4_a_backend_whose_name_is_not_known_is_there_without_an_address) {
  io::Loop loop;
  Made made(loop.io.get_executor());
  config::Spec spec = two_pools();
  spec.services[0].pools[0] = pool_spec("blue", {"no-such-host.test:80"});
  const auto state = state::from_spec(spec);
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const auto snapshot = made.publisher.build(spec, state, nullptr);
  EXPECT_TRUE(snapshot->services[0].disabled.empty()) << "it may come at any moment";
  const route::Backend& lost = backend_in(*snapshot, 0, 0);
  EXPECT_TRUE(lost.endpoints.empty());
  EXPECT_EQ(lost.unresolved, "cannot be resolved: 'no-such-host.test': no name server answers");
  EXPECT_FALSE(eligible_in(snapshot->services[0].pools[0], lost));
}

TEST(PublisherNames, H4_a_name_stands_for_all_its_addresses) {
  io::Loop loop;
  Made made(loop.io.get_executor(), [](const io::NameQuestion&) { return at({"::1", "127.0.0.1"}); });
  config::Spec spec = two_pools();
  spec.services[0].pools[0] = pool_spec("blue", {"web.test:80"});
  const auto state = state::from_spec(spec);
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const auto snapshot = made.publisher.build(spec, state, nullptr);
  ASSERT_EQ(snapshot->services[0].pools[0].backends.size(), 1u);
  const route::Backend& web = backend_in(*snapshot, 0, 0);
  ASSERT_EQ(web.endpoints.size(), 2u);
  EXPECT_EQ(io::to_string(web.endpoints[0]), "[::1]:80");
  EXPECT_EQ(io::to_string(web.endpoints[1]), "127.0.0.1:80");
  EXPECT_EQ(web.looked_up, "web.test:80");
}

TEST(PublisherNames, H4_a_service_that_is_as_it_was_follows_its_names) {
  io::Loop loop;
  std::string address = "10.0.0.1";
  Made made(loop.io.get_executor(),
            [&address](const io::NameQuestion&) { return at({address}, std::chrono::seconds(0)); });
  made.resolver.limits(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
  config::Spec spec = two_pools();
  spec.services[0].pools[0] = pool_spec("blue", {"web.test:80"});
  const auto state = state::from_spec(spec);
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const InForce now{spec, state, made.publisher.build(spec, state, nullptr)};
  ASSERT_EQ(io::to_string(backend_in(*now.snapshot, 0, 0).good()), "10.0.0.1:80");
  address = "10.0.0.2";
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  EXPECT_EQ(io::to_string(backend_in(*made.publisher.rebuild(now, state), 0, 0).endpoints.back()),
            "10.0.0.2:80");
}

TEST(PublisherNames, resolve_all_makes_each_address_a_backend_that_has_an_equal_part_of_the_weight) {
  io::Loop loop;
  Made made(loop.io.get_executor(), [](const io::NameQuestion&) {
    return at({"10.0.0.7", "::1", "10.0.0.9"});
  });
  config::Spec spec = two_pools();
  spec.services[0].pools[0] = pool_spec("blue", {"web.test:80", "127.0.0.1:1"});
  spec.services[0].pools[0].backends[0].name = "web";
  spec.services[0].pools[0].backends[0].every_address = true;
  auto state = state::from_spec(spec);
  state.service("api")->pool("blue")->backend("web")->members = {{"10.0.0.9:80", Admin::draining, {}}};
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const auto snapshot = made.publisher.build(spec, state, nullptr);
  const auto& backends = snapshot->services[0].pools[0].backends;
  ASSERT_EQ(backends.size(), 4u);
  EXPECT_EQ(backends[0].name, "127.0.0.1:1");
  EXPECT_EQ(backends[1].name, "web/10.0.0.7:80");
  EXPECT_EQ(backends[2].name, "web/[::1]:80");
  EXPECT_EQ(backends[3].name, "web/10.0.0.9:80");
  double sum = 0;
  for (int i = 1; i < 4; ++i) sum += backends[static_cast<std::size_t>(i)].weight;
  EXPECT_DOUBLE_EQ(sum, 1.0) << "the group weighs what was written";
  EXPECT_EQ(backends[1].admin, Admin::ready);
  EXPECT_EQ(backends[3].admin, Admin::draining);
  EXPECT_TRUE(names({"api", "blue", "web"}, backends[2]));
  EXPECT_TRUE(names({"api", "blue", "web/[::1]:80"}, backends[2]));
  EXPECT_FALSE(names({"api", "blue", "web/[::1]:80"}, backends[3]));
}

TEST(PublisherNames, SRV_records_bring_ports_weights_and_priorities) {
  io::Loop loop;
  Made made(loop.io.get_executor(), [](const io::NameQuestion& question) {
    if (!question.services) return at({question.name == "a.test" ? "10.0.0.1" : "10.0.0.2"});
    io::Found found;
    found.services = {{"b.test", 8002, 10, 1}, {"a.test", 8001, 10, 3}, {"a.test", 9001, 20, 0}};
    found.ttl = std::chrono::seconds(30);
    return found;
  });
  config::Spec spec = two_pools();
  spec.services[0].pools[0].backends.resize(1);
  auto& srv = spec.services[0].pools[0].backends[0];
  srv.name = "web";
  srv.address = {"_http._tcp.test", 0, "srv:_http._tcp.test"};
  srv.weight = 8;
  srv.every_address = true;
  const auto state = state::from_spec(spec);
  loop.run(resolve_all(made.resolver, addresses_of(state)));
  const auto snapshot = made.publisher.build(spec, state, nullptr);
  const route::Pool& pool = snapshot->services[0].pools[0];
  ASSERT_EQ(pool.backends.size(), 3u);
  EXPECT_EQ(pool.backends[0].name, "web/10.0.0.1:8001");
  EXPECT_DOUBLE_EQ(pool.backends[0].weight, 6);
  EXPECT_EQ(pool.backends[0].authority, "a.test:8001");
  EXPECT_EQ(pool.backends[1].name, "web/10.0.0.2:8002");
  EXPECT_DOUBLE_EQ(pool.backends[1].weight, 2);
  EXPECT_EQ(pool.backends[2].name, "web/10.0.0.1:9001");
  EXPECT_EQ(pool.backends[2].tier, 1u);
  EXPECT_TRUE(pool.has_tiers);
  EXPECT_TRUE(route::outranked(pool, pool.backends[2], false));
  pool.backends[0].live->health.store(Health::down);
  EXPECT_TRUE(route::outranked(pool, pool.backends[2], false)) << "the other of the first class can serve";
  pool.backends[1].live->health.store(Health::down);
  EXPECT_FALSE(route::outranked(pool, pool.backends[2], false));
}

}  // namespace
}  // namespace sluice::change
