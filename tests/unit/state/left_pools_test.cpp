// Which pools have lost their share lately.
#include "control/state/left_pools.hpp"

#include <gmock/gmock.h>

#include "control/state/apply.hpp"
#include "control/state/merge.hpp"
#include "control/state/state_json.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kThen = 1'000'000'000'000;

struct LeftPools : ::testing::Test {
  LeftPools() {
    spec = sluice::testing::two_services();
    spec.services[0].assets = config::AssetSpec{{"/static/"}, {404}, 1h};
    state = from_spec(spec);
  }
  // The shares of `service`, in per cent, at `time`.
  void split_to(const std::string& service, config::Share blue, std::int64_t time) {
    auto change = split(state, service, {{"blue", blue * 1000}, {"green", 100'000 - blue * 1000}});
    ASSERT_TRUE(change);
    remember_left(state, change->next, spec, time);
    state = change->next;
  }
  const std::vector<LeftPool>& left(const std::string& service = "api") {
    return state.service(service)->left;
  }

  config::Spec spec;
  State state;
};

TEST_F(LeftPools, a_pool_is_remembered_from_when_it_lost_its_share) {
  EXPECT_THAT(left(), IsEmpty());
  split_to("api", 100, kThen);
  EXPECT_THAT(left(), ElementsAre(LeftPool{"green", kThen}));
  split_to("api", 0, kThen + 10);
  EXPECT_THAT(left(), ElementsAre(LeftPool{"blue", kThen + 10})) << "green has one again";
  split_to("api", 50, kThen + 20);
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(LeftPools, only_for_its_window_and_only_of_services_with_assets) {
  split_to("api", 100, kThen);
  split_to("web", 50, kThen);
  split_to("web", 100, kThen);
  EXPECT_THAT(left("web"), IsEmpty());
  State next = state;
  remember_left(state, next, spec, kThen + 3'599'999);
  EXPECT_EQ(next.service("api")->left.size(), 1u);
  remember_left(state, next, spec, kThen + 3'600'000);
  EXPECT_THAT(next.service("api")->left, IsEmpty());
}

TEST_F(LeftPools, what_an_undo_brings_back_does_not_take_the_later_word_away) {
  const State before = state;
  split_to("api", 100, kThen);
  State next = before;  // green has its share again; then it loses it in the same way
  remember_left(state, next, spec, kThen + 5);
  EXPECT_THAT(next.service("api")->left, IsEmpty());
  State again = next;
  again.service("api")->set_shares({100'000, 0});
  remember_left(next, again, spec, kThen + 6);
  EXPECT_THAT(again.service("api")->left, ElementsAre(LeftPool{"green", kThen + 6}));
}

TEST_F(LeftPools, it_is_journaled_and_survives_a_reload_unless_the_pool_is_gone) {
  split_to("api", 100, kThen);
  const auto read = service_from_json(to_json(*state.service("api")));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, *state.service("api"));
  EXPECT_EQ(merge(state, spec).state.service("api")->left, left());
  spec.services[0].pools.pop_back();
  spec.services[0].split = {{"blue", 100'000}};
  EXPECT_THAT(merge(state, spec).state.service("api")->left, IsEmpty());
}

}  // namespace
}  // namespace sluice::state
