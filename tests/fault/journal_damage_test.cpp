// T1: a file that rotted. It never crashes the daemon, and what it yields is a state that was once in force.
#include <gtest/gtest.h>

#include "support/journal_script.hpp"

namespace sluice {
namespace {

using state::Ending;
using testing::JournalScript;

constexpr std::uint64_t kDamageSeed = 4711;

// All states that were in force, by generation.
const JournalScript& original() {
  static JournalScript& script = *new JournalScript;
  if (script.acknowledged == 0) script.run(20);
  return script;
}

std::string content(const char* path) { return *const_cast<JournalScript&>(original()).files.content(path); }

// Empty, or what is wrong with what `damaged` yields as journal, `previous` standing by.
std::string fault_in(const std::string& damaged, const std::string& previous) {
  JournalScript script;
  script.attempted = original().attempted;
  script.files.put("/s/journal", damaged);
  script.files.put("/s/journal.prev", previous);
  const auto opened = state::Journal::open(script.files, "/s", JournalScript::kLimits);
  if (!opened) return opened.error().message().empty() ? "no reason given" : "";
  const auto& found = opened->journal.history().state();
  for (const auto& state : script.attempted[found.generation])
    if (state == found)
      return found.generation == original().acknowledged || !opened->warnings.empty()
                 ? ""
                 : "older, without a warning";
  return "generation " + std::to_string(found.generation) + " was never in force";
}

TEST(JournalDamage, AnyFlippedBitIsNoticed) {
  RecordProperty("seed", std::to_string(kDamageSeed));
  const std::string whole = content("/s/journal"), previous = content("/s/journal.prev");
  ASSERT_EQ(fault_in(whole, previous), "");
  std::mt19937_64 random(kDamageSeed);
  for (int i = 0; i < 800; ++i) {
    std::string damaged = whole;
    const std::size_t bit = i < 400 ? static_cast<std::size_t>(i) : random() % (whole.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    ASSERT_EQ(fault_in(damaged, previous), "") << "bit " << bit;
  }
}

TEST(JournalDamage, SoAreOverwrittenAndMissingParts) {
  RecordProperty("seed", std::to_string(kDamageSeed));
  const std::string whole = content("/s/journal"), previous = content("/s/journal.prev");
  std::mt19937_64 random(kDamageSeed);
  for (int i = 0; i < 400; ++i) {
    std::string damaged = whole;
    const std::size_t from = random() % damaged.size(), size = 1 + random() % 600;
    switch (i % 4) {
      case 0:
        damaged.erase(from, size);
        break;
      case 1:
        damaged.insert(from, std::string(size, static_cast<char>(random())));
        break;
      case 2:
        damaged.resize(from);
        break;
      default:
        for (std::size_t at = from; at < std::min(from + size, damaged.size()); ++at)
          damaged[at] = static_cast<char>(random());
    }
    ASSERT_EQ(fault_in(damaged, i % 2 ? previous : damaged), "") << "damage " << i;
  }
}

// A whole copy always comes back, whatever happened to the other.
TEST(JournalDamage, OneWholeCopyIsEnough) {
  const std::string previous = content("/s/journal.prev");
  for (const char* bad : {"", "x", "sluice journal 1\n", "sluice journal 1\n\xff\xff\xff\xff"}) {
    JournalScript script;
    script.files.put("/s/journal", bad);
    script.files.put("/s/journal.prev", previous);
    const auto opened = state::Journal::open(script.files, "/s");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->journal.history().state(), state::recover(previous)->state);
    EXPECT_EQ(opened->warnings.size(), 1u);
  }
}

}  // namespace
}  // namespace sluice
