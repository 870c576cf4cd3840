#include "control/state/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/changes.hpp"

namespace sluice::state {
namespace {

using testing::changed;
using testing::edit_of;
using testing::first_edit;

// The first edit and `count` changes.
History history_of(int count, std::vector<State>* seen = nullptr) {
  History history;
  history.record(first_edit(), recorded(first_edit()));
  for (int i = 1; i <= count; ++i) {
    const State next = changed(history.state(), i);
    const Edit edit = edit_of(history.state(), next, i);
    history.record(edit, recorded(edit));
    if (seen) seen->push_back(next);
  }
  return history;
}

TEST(History, IsEmptyBeforeAnythingWasPublished) {
  const History none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.oldest(), 1u);
  EXPECT_FALSE(none.state_at(1));
  EXPECT_TRUE(none.latest("", 10).empty());
  EXPECT_FALSE(history_of(0).empty());
}

TEST(History, ForgottenEditsBecomeTheBase) {
  std::vector<State> seen;
  History history = history_of(9, &seen);
  history.forget(4);
  EXPECT_EQ(history.oldest(), 4u);
  EXPECT_EQ(history.edits().size(), 6u);
  EXPECT_EQ(history.state(), seen.back());
  EXPECT_FALSE(history.state_at(3));
  EXPECT_EQ(history.edit_at(4), nullptr);
  EXPECT_EQ(history.edit_at(5)->generation, 5u);
  for (std::size_t i = 2; i < seen.size(); ++i) EXPECT_EQ(*history.state_at(seen[i].generation), seen[i]);
}

TEST(History, ShowsTheLatestOfAServiceFirst) {
  const History history = history_of(9);
  const auto all = history.latest("", 3);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]->generation, 10u);
  EXPECT_EQ(all[2]->generation, 8u);
  for (const PastEdit* edit : history.latest("web", 100)) {
    const auto is_web = [](const RecordedService& service) { return service.name == "web"; };
    EXPECT_TRUE(std::any_of(edit->services.begin(), edit->services.end(), is_web));
  }
  EXPECT_LT(history.latest("web", 100).size(), 10u);
  EXPECT_FALSE(history.latest("web", 100).empty());
  EXPECT_TRUE(history.latest("none", 100).empty());
}

TEST(History, ShowsThatAServiceIsGone) {
  History history = history_of(0);
  State without = history.state();
  without.erase("web");
  ++without.generation;
  const Edit edit = edit_of(history.state(), without, 1);
  history.record(edit, recorded(edit));
  ASSERT_EQ(history.latest("web", 1).size(), 1u);
  EXPECT_EQ(history.latest("web", 1).front()->generation, 2u);
  EXPECT_FALSE(history.service_at("web", 2));
  EXPECT_TRUE(history.service_at("web", 1));
}

}  // namespace
}  // namespace sluice::state
