#include "control/state/state.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>

#include "control/state/state_json.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;
using testing::two_services;

TEST(StateFromSpec, TakesTheConfiguredSplitAndStablePool) {
  const State state = from_spec(two_services());
  EXPECT_EQ(state.generation, 1u);
  const ServiceState& api = *state.service("api");
  EXPECT_EQ(api.shares(), (std::vector<Share>{95'000, 5'000}));
  EXPECT_EQ(api.slots.shares(), api.shares());
  EXPECT_EQ(api.stable(), "blue");
  EXPECT_FALSE(api.configured_split);
  EXPECT_EQ(api.pool("green")->backend("green-2")->address, "10.0.0.2:80");
}

TEST(StateFromSpec, IsTheSameWhateverTheOrderOfServices) {
  auto spec = two_services();
  const State state = from_spec(spec);
  std::swap(spec.services[0], spec.services[1]);
  EXPECT_EQ(from_spec(spec), state);
}

TEST(StateFromSpec, TwoPoolsShareTheSlotsBelowTheCanarysShare) {  // S4: slot < share
  const auto owners = from_spec(two_services()).service("api")->slots.owners();
  EXPECT_EQ(owners[4'999], 1);
  EXPECT_EQ(owners[5'000], 0);
}

TEST(ServiceState, RemembersTheConfiguredSplitWhileAnotherIsInForce) {  // T2
  ServiceState api = *from_spec(two_services()).service("api");
  api.set_shares({50'000, 50'000});
  api.set_shares({20'000, 80'000});
  EXPECT_EQ(*api.configured_split, (Table{{"blue", 95'000}, {"green", 5'000}}));
  api.set_shares({95'000, 5'000});
  EXPECT_FALSE(api.configured_split);
}

TEST(ServiceState, ThePoolThatGetsAllIsStableAndOnlyOnceInARow) {
  ServiceState api = *from_spec(two_services()).service("api");
  api.set_shares({0, kWhole});
  api.set_shares({50'000, 50'000});
  api.set_shares({0, kWhole});
  EXPECT_EQ(api.stable_history, (std::vector<std::string>{"blue", "green"}));
}

TEST(ServiceState, RemembersABoundedNumberOfStablePools) {
  ServiceState api = *from_spec(two_services()).service("api");
  for (Share i = 0; i < 40; ++i) api.set_shares({i % 2 * kWhole, (1 - i % 2) * kWhole});
  EXPECT_EQ(api.stable_history.size(), ServiceState::kRemembered);
  EXPECT_EQ(api.stable(), "blue");
}

TEST(BackendState, RemembersTheConfiguredWeight) {  // T2
  BackendState backend = from_spec(testing::backend_spec("a", "10.0.0.1:80", 3));
  backend.set_weight(7);
  backend.set_weight(9);
  EXPECT_EQ(backend.base_weight, 3u);
  backend.set_weight(3);
  EXPECT_FALSE(backend.base_weight);
}

State busy_state() {
  State state = from_spec(two_services());
  state.generation = 12;
  ServiceState& api = *state.service("api");
  api.set_shares({40'000, 60'000});
  api.set_shares({0, kWhole});
  api.set_shares({70'000, 30'000});
  BackendState& backend = *api.pool("blue")->backend("blue-1");
  backend.admin = Admin::draining;
  backend.drain_deadline = 1'700'000'000'123;
  backend.set_weight(5);
  api.pool("green")->put(BackendState{"extra", "10.0.0.9:80", 2, Admin::maint, {}, true, {}, false, {}});
  api.pool("green")->put(RemovedBackend{"old", "10.0.0.8:80", 4, false});
  return state;
}

TEST(StateJson, ComesBackAsItWas) {
  const State state = busy_state();
  std::vector<Unrestored> unrestored;
  const auto back = state_from_json(json::parse(json::serialize(to_json(state))), unrestored);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, state);
  EXPECT_TRUE(unrestored.empty());
}

TEST(StateJson, SetsAsideTheServiceThatCannotBeRestored) {  // T3
  json::value value = to_json(busy_state());
  value.at("services").at(0).at("pools").at(0).at("share") = 1;
  std::vector<Unrestored> unrestored;
  const auto back = state_from_json(value, unrestored);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->service("api"), nullptr);
  EXPECT_NE(back->service("web"), nullptr);
  ASSERT_EQ(unrestored.size(), 1u);
  EXPECT_EQ(unrestored[0].service, "api");
  EXPECT_EQ(unrestored[0].why, "its shares do not add up to 100%");
}

TEST(StateJson, RefusesSlotsThatAreNotTheShares) {
  json::object value = to_json(*busy_state().service("api"));
  value["slots"] = json::parse("[[[0,99999]],[]]");
  EXPECT_EQ(service_from_json(value).error().why, "its slots are not what its shares say");
  value["slots"] = json::parse("[[[0,99998]],[]]");
  EXPECT_EQ(service_from_json(value).error().why, "its slots have not one owner each");
}

// Visits every value of a document.
void each(json::value& value, const std::function<void(json::value&)>& visit) {
  if (auto* object = value.if_object())
    for (auto& entry : *object) each(entry.value(), visit);
  if (auto* array = value.if_array())
    for (auto& entry : *array) each(entry, visit);
  visit(value);
}

// Whatever is put wherever: a service that comes back keeps its promises.
TEST(StateJson, NeverYieldsAServiceThatContradictsItself) {
  const json::value original = to_json(*busy_state().service("api"));
  std::size_t places = 0;
  json::value copy = original;
  each(copy, [&](json::value&) { ++places; });
  const std::vector<json::value> strangers = {
      nullptr, true, -1, 0, 70'000, 1e300, "", "blue", json::array{}, json::object{}, 18446744073709551615u};
  int refused = 0;
  for (std::size_t place = 0; place < places; ++place)
    for (const auto& stranger : strangers) {
      json::value changed = original;
      std::size_t i = 0;
      json::value* chosen = nullptr;
      each(changed, [&](json::value& value) {
        if (i++ == place) chosen = &value;
      });
      *chosen = stranger;
      const auto service = service_from_json(changed);
      if (!service) {
        ++refused;
        continue;
      }
      std::uint64_t sum = 0;
      for (const auto& pool : service->pools) sum += pool.share;
      ASSERT_EQ(sum, kWhole) << json::serialize(changed);
      ASSERT_EQ(service->slots.shares(), service->shares());
      ASSERT_NE(service->pool(service->stable()), nullptr);
    }
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace sluice::state
