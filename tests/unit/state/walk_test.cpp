// Where undo and redo stand: which edits are one step, and what a new change ends.
#include "control/state/walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "support/memory_files.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PastEdit edit(std::uint64_t generation, std::uint64_t step = 0) {
  PastEdit made;
  made.generation = generation;
  made.verb = "split";
  made.step = step;
  made.services = {{"api", R"({"name":"api"})"}};
  return made;
}
PastEdit undoing(std::uint64_t generation, std::vector<std::uint64_t> steps) {
  PastEdit made = edit(generation);
  made.undone = std::move(steps);
  return made;
}
PastEdit redoing(std::uint64_t generation, std::vector<std::uint64_t> steps) {
  PastEdit made = edit(generation);
  made.redone = std::move(steps);
  return made;
}

std::vector<std::uint64_t> ids(const std::vector<Step>& steps) {
  std::vector<std::uint64_t> out;
  for (const auto& step : steps) out.push_back(step.id());
  return out;
}
Walk walk(const std::vector<PastEdit>& history) { return walk_until(history, UINT64_MAX); }

TEST(Walk, UndoAndRedoMoveOverTheSteps) {
  std::vector<PastEdit> history = {edit(1), edit(2), edit(3), undoing(4, {3}), undoing(5, {2})};
  EXPECT_THAT(ids(walk(history).done), ElementsAre(1));
  EXPECT_THAT(ids(walk(history).undone), ElementsAre(3, 2));
  history.push_back(redoing(6, {2}));
  EXPECT_THAT(ids(walk(history).done), ElementsAre(1, 2));
  EXPECT_THAT(ids(walk(history).undone), ElementsAre(3));
  history.push_back(edit(7));
  EXPECT_THAT(ids(walk(history).done), ElementsAre(1, 2, 7));
  EXPECT_THAT(walk(history).undone, IsEmpty()) << "a new change ends what could be redone";
  EXPECT_THAT(ids(walk_until(history, 5).done), ElementsAre(1));
}

TEST(Walk, EditsOfOneVerbAreOneStepAndTheLatestIsOnTop) {
  const auto made = walk({edit(2), edit(3), edit(4, 2), edit(5, 4)});
  ASSERT_EQ(made.done.size(), 2u);
  EXPECT_EQ(made.done[0].id(), 3u);
  EXPECT_THAT(made.done[1].generations, ElementsAre(2, 4, 5)) << "also by a later edit of it";
}

TEST(Walk, WhatBeganBeforeTheRecordCannotBeTakenBack) {
  EXPECT_THAT(ids(walk({edit(8), edit(9, 3)}).done), ElementsAre(8));
}

TEST(Walk, SettingsAndTheEndOfARetentionAreNoSteps) {
  PastEdit settings = edit(3);
  settings.services.clear();
  PastEdit over = edit(5);
  over.verb = kRetentionOver;
  const auto made = walk({edit(2), settings, undoing(4, {2}), over});
  EXPECT_THAT(made.done, IsEmpty());
  EXPECT_THAT(ids(made.undone), ElementsAre(2)) << "and end nothing";
}

TEST(Walk, ARolloutThatGoesOnEndsNoRedo) {
  const auto made = walk({edit(2), edit(3), undoing(4, {3}), edit(5, 2)});
  EXPECT_THAT(ids(made.undone), ElementsAre(3));
}

TEST(Walk, TheJournalKeepsIt) {
  PastEdit written = undoing(9, {4, 2});
  written.step = 3;
  written.redone = {7};
  const auto read = past_edit_from_json(boost::json::parse(to_text(written)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->step, 3u);
  EXPECT_THAT(read->undone, ElementsAre(4, 2));
  EXPECT_THAT(read->redone, ElementsAre(7));
}

}  // namespace
}  // namespace sluice::state
