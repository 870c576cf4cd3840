#include "control/state/journal.hpp"

#include <gtest/gtest.h>

#include "support/changes.hpp"
#include "support/memory_files.hpp"

namespace sluice::state {
namespace {

using testing::changed;
using testing::edit_of;
using testing::first_edit;
using testing::MemoryFiles;

constexpr JournalLimits kSmall{
    .largest_file = 1 << 20, .most_edits = 10, .kept_edits = 4, .kept_bytes = 1 << 20};

OpenedJournal opened(FileSystem& files, const JournalLimits& limits = {}) {
  auto journal = Journal::open(files, "/s", limits);
  EXPECT_TRUE(journal) << (journal ? "" : journal.error().message());
  return std::move(*journal);
}

// Appends the first edit if it is empty, then `count` changes.
void fill(Journal& journal, int count, std::vector<State>* seen = nullptr) {
  if (journal.history().empty()) {
    EXPECT_FALSE(journal.append(first_edit()));
  }
  for (int i = 0; i < count; ++i) {
    const int n = static_cast<int>(journal.history().state().generation);
    const State next = changed(journal.history().state(), n);
    EXPECT_FALSE(journal.append(edit_of(journal.history().state(), next, n)));
    EXPECT_EQ(journal.history().state(), next);
    if (seen) seen->push_back(next);
  }
}

void fill(Journal&& journal, int count, std::vector<State>* seen = nullptr) { fill(journal, count, seen); }

TEST(Journal, IsEmptyOnAFirstStart) {
  MemoryFiles files;
  const auto first = opened(files);
  EXPECT_TRUE(first.journal.history().empty());
  EXPECT_TRUE(first.warnings.empty());
  EXPECT_EQ(files.content("/s/journal"), nullptr);
}

TEST(Journal, ComesBackWithStateAndHistory) {  // T1
  MemoryFiles files;
  std::vector<State> seen;
  std::vector<PastEdit> history;
  {
    auto first = opened(files);
    fill(first.journal, 12, &seen);
    history.assign(first.journal.history().edits().begin(), first.journal.history().edits().end());
  }
  const auto second = opened(files);
  EXPECT_TRUE(second.warnings.empty());
  EXPECT_EQ(second.journal.history().state(), seen.back());
  EXPECT_EQ(
      std::vector<PastEdit>(second.journal.history().edits().begin(), second.journal.history().edits().end()),
      history);
  EXPECT_EQ(second.journal.history().edits().front().verb, "start");
}

TEST(Journal, GoesOnAfterAReopening) {
  MemoryFiles files;
  for (int i = 0; i < 5; ++i) {
    auto journal = opened(files);
    fill(journal.journal, 3);
  }
  EXPECT_EQ(opened(files).journal.history().state().generation, 16u);
}

TEST(Journal, KnowsEveryGenerationOfItsHistory) {
  MemoryFiles files;
  std::vector<State> seen;
  auto opened_journal = opened(files);
  Journal& journal = opened_journal.journal;
  fill(journal, 12, &seen);
  EXPECT_EQ(journal.history().oldest(), 1u);
  EXPECT_EQ(journal.history().state_at(1)->services, from_spec(testing::two_services()).services);
  for (const auto& state : seen) {
    EXPECT_EQ(*journal.history().state_at(state.generation), state);
    EXPECT_EQ(*journal.history().service_at("web", state.generation), *state.service("web"));
  }
  EXPECT_FALSE(journal.history().state_at(0));
  EXPECT_FALSE(journal.history().state_at(14));
  EXPECT_FALSE(journal.history().service_at("none", 3));
}

TEST(Journal, IsCompactedAndKeepsTheLastEdits) {
  MemoryFiles files;
  std::vector<State> seen;
  {
    auto first = opened(files, kSmall);
    fill(first.journal, 40, &seen);
    EXPECT_LE(first.journal.history().edits().size(), kSmall.most_edits);
    EXPECT_GE(first.journal.history().edits().size(), kSmall.kept_edits);
  }
  const auto second = opened(files, kSmall);
  EXPECT_EQ(second.journal.history().state(), seen.back());
  EXPECT_GT(second.journal.history().oldest(), 20u);
  for (const auto& state : seen)
    EXPECT_EQ(second.journal.history().state_at(state.generation).has_value(),
              state.generation >= second.journal.history().oldest());
  EXPECT_EQ(*second.journal.history().state_at(second.journal.history().oldest()),
            seen[second.journal.history().oldest() - 2]);
  EXPECT_NE(files.content("/s/journal.prev"), nullptr);
}

TEST(Journal, IsCompactedBySizeToo) {
  MemoryFiles files;
  const JournalLimits limits{
      .largest_file = 20'000, .most_edits = 100'000, .kept_edits = 1000, .kept_bytes = 8'000};
  std::vector<State> seen;
  fill(opened(files, limits).journal, 100, &seen);
  EXPECT_LT(files.content("/s/journal")->size(), 24'000u);
  EXPECT_EQ(opened(files, limits).journal.history().state(), seen.back());
}

TEST(Journal, OnlyOneProcessMayHaveTheFolder) {
  MemoryFiles files;
  const auto first = opened(files);
  const auto second = Journal::open(files, "/s");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), EWOULDBLOCK);
  EXPECT_NE(second.error().message().find("process"), std::string::npos);
}

TEST(Journal, CutsATornTailWithAWarning) {  // T1
  MemoryFiles files;
  std::vector<State> seen;
  fill(opened(files).journal, 5, &seen);
  files.content("/s/journal")->resize(files.content("/s/journal")->size() - 1);
  {
    auto journal = opened(files);
    EXPECT_EQ(journal.journal.history().state(), seen[3]);
    ASSERT_EQ(journal.warnings.size(), 1u);
    EXPECT_EQ(journal.warnings[0],
              "/s/journal ends in an incomplete record, which is dropped: generation 5 is in force");
    fill(journal.journal, 1);
  }
  EXPECT_TRUE(opened(files).warnings.empty());
}

TEST(Journal, FallsBackToThePreviousCopyWithAWarning) {  // T1
  MemoryFiles files;
  fill(opened(files, kSmall).journal, 30);
  const std::uint64_t previous = recover(*files.content("/s/journal.prev"))->state.generation;
  files.put("/s/journal", "garbage");
  {
    auto journal = opened(files);
    EXPECT_EQ(journal.journal.history().state().generation, previous);
    ASSERT_EQ(journal.warnings.size(), 1u);
    EXPECT_NE(journal.warnings[0].find("/s/journal is damaged (it does not begin as a journal does)"),
              std::string::npos);
    EXPECT_EQ(*files.content("/s/journal.corrupt-1"), "garbage");
  }
  EXPECT_TRUE(opened(files).warnings.empty());
  files.put("/s/journal", "more garbage");
  opened(files);
  EXPECT_EQ(*files.content("/s/journal.corrupt-2"), "more garbage");
}

TEST(Journal, PrefersTheSoundPartOfADamagedOneWhenThatReachesFurther) {
  MemoryFiles files;
  fill(opened(files, kSmall).journal, 20);
  std::string& content = *files.content("/s/journal");
  const Records records = records_in(std::string_view(content).substr(kJournalHeader.size()));
  ASSERT_GE(records.payloads.size(), 4u);
  content[static_cast<std::size_t>(records.payloads[records.payloads.size() - 2].data() - content.data()) +
          5] ^= 1;
  const auto journal = opened(files);
  EXPECT_EQ(journal.journal.history().state().generation, 19u);
  ASSERT_EQ(journal.warnings.size(), 1u);
  EXPECT_NE(
      journal.warnings[0].find("later changes are lost: its sound part is used, generation 19 is in force"),
      std::string::npos);
}

TEST(Journal, NeverStartsEmptyWhenNothingCanBeRead) {  // T1
  for (const char* bad : {"", "garbage", "sluice journal 1\n", "sluice journal 1\n\x01\x02"}) {
    MemoryFiles files;
    files.put("/s/journal", bad);
    const auto alone = Journal::open(files, "/s");
    ASSERT_FALSE(alone) << bad;
    EXPECT_NE(alone.error().message().find("/s/journal cannot be read"), std::string::npos);
    files.put("/s/journal.prev", bad);
    EXPECT_FALSE(Journal::open(files, "/s")) << bad;
    EXPECT_EQ(*files.content("/s/journal"), bad) << "left for the operator";
  }
}

TEST(Journal, ACheckpointWithoutItsFirstEditIsNoEmptyTable) {
  MemoryFiles files;
  files.put("/s/journal", std::string(kJournalHeader) + checkpoint_record({}));
  ASSERT_FALSE(Journal::open(files, "/s"));
}

TEST(Journal, RefusesTheFormatOfAnotherVersion) {
  MemoryFiles files;
  files.put("/s/journal", "sluice journal 2\n...");
  const auto journal = Journal::open(files, "/s");
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().message().find("another version"), std::string::npos);
}

TEST(Journal, SetsAsideAServiceThatCannotBeRestored) {  // T3
  MemoryFiles files;
  fill(opened(files).journal, 3);
  State broken = opened(files).journal.history().state();
  broken.service("api")->stable_history = {"nowhere"};
  Edit edit = edit_of(opened(files).journal.history().state(), broken, 1);
  edit.generation = 99;
  *files.content("/s/journal") += edit_record(recorded(edit));
  {
    auto journal = opened(files);
    EXPECT_EQ(journal.journal.history().state().service("api"), nullptr);
    EXPECT_NE(journal.journal.history().state().service("web"), nullptr);
    ASSERT_EQ(journal.warnings.size(), 1u);
    EXPECT_EQ(journal.warnings[0],
              "service 'api' cannot be restored (a stable pool is none of its pools): its "
              "configuration counts");
    State whole = journal.journal.history().state();
    whole.put(*from_spec(testing::two_services()).service("api"));
    whole.generation = 100;
    EXPECT_FALSE(journal.journal.append(edit_between(journal.journal.history().state(), whole, "start")));
  }
  const auto healed = opened(files);
  EXPECT_TRUE(healed.warnings.empty());
  EXPECT_NE(healed.journal.history().state().service("api"), nullptr);
}

TEST(Journal, AnEditThatWasRefusedIsNotRecorded) {
  MemoryFiles files;
  auto opened_journal = opened(files);
  Journal& journal = opened_journal.journal;
  fill(journal, 3);
  const State before = journal.history().state();
  files.set_plan({.fail_from = 1, .fail_to = 1});
  const State next = changed(before, 6);
  const Error error = journal.append(edit_of(before, next, 6));
  EXPECT_EQ(error.code(), ENOSPC);
  EXPECT_EQ(journal.history().state(), before);
  EXPECT_EQ(journal.history().edits().size(), 4u);
  EXPECT_TRUE(journal.durable());
  EXPECT_FALSE(journal.append(edit_of(before, next, 6)));
  EXPECT_EQ(journal.history().state(), next);
}

TEST(Journal, IsNotDurableAfterAPublishedEditThatTheDiskRefused) {  // C7
  MemoryFiles files;
  State published;
  {
    auto opened_journal = opened(files);
    Journal& journal = opened_journal.journal;
    fill(journal, 3);
    files.set_plan({.fail_from = 1, .fail_to = 1000});
    published = rollback(journal.history().state(), {"api"})->next;
    const Edit edit = edit_of(journal.history().state(), published, 1);
    EXPECT_TRUE(journal.append(edit));
    journal.keep(edit);
    EXPECT_FALSE(journal.durable());
    EXPECT_EQ(journal.history().state(), published);
    EXPECT_TRUE(journal.flush());
    EXPECT_FALSE(journal.durable());
    files.set_plan({});
    EXPECT_FALSE(journal.flush());
    EXPECT_TRUE(journal.durable());
  }
  EXPECT_EQ(opened(files).journal.history().state(), published);
}

TEST(Journal, TheNextAppendMakesAKeptEditDurable) {  // C7
  MemoryFiles files;
  {
    auto opened_journal = opened(files);
    Journal& journal = opened_journal.journal;
    fill(journal, 3);
    journal.keep(edit_of(journal.history().state(), changed(journal.history().state(), 3), 3));
    fill(journal, 1);
    EXPECT_TRUE(journal.durable());
  }
  EXPECT_EQ(opened(files).journal.history().state().generation, 6u);
}

TEST(Journal, TakesAnyBytesInWhatPeopleWrite) {
  MemoryFiles files;
  {
    auto opened_journal = opened(files);
    Edit edit = first_edit();
    edit.reason = "\xff\xfe\x1b[2J\n\"\\";
    EXPECT_FALSE(opened_journal.journal.append(edit));
  }
  EXPECT_EQ(opened(files).journal.history().edits()[0].reason, "\xff\xfe\x1b[2J\n\"\\");
}

}  // namespace
}  // namespace sluice::state
