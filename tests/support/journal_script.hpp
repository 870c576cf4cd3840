// A daemon's life with a journal: open it, put changes on it one after the other, do as C7 says when the disk
// refuses.
#pragma once

#include <map>
#include <optional>

#include "control/state/journal.hpp"
#include "support/changes.hpp"
#include "support/memory_files.hpp"

namespace sluice::testing {

struct JournalScript {
  // Small enough for several compactions in a script.
  static constexpr state::JournalLimits kLimits{
      .largest_file = 1 << 20, .most_edits = 6, .kept_edits = 3, .kept_bytes = 1 << 20};

  MemoryFiles files;
  std::map<std::uint64_t, std::vector<state::State>>
      attempted;                   // by generation: all that a disk may rightly hold
  std::uint64_t acknowledged = 0;  // and durable
  bool publish_undurable = false;  // C7: what the disk refuses is published all the same

  // Runs until the end, or until nothing works any more. False when the journal could not even be opened.
  bool run(int changes) {
    auto opened = state::Journal::open(files, "/s", kLimits);
    if (!opened) return false;
    state::Journal& journal = opened->journal;
    if (journal.history().empty()) publish(journal, first_edit(), state::from_spec(two_services()));
    for (int i = 0; i < changes && !journal.history().empty(); ++i) {
      const int n = static_cast<int>(journal.history().state().generation);
      const state::State next = changed(journal.history().state(), n);
      publish(journal, edit_of(journal.history().state(), next, n), next);
    }
    return true;
  }

  void publish(state::Journal& journal, const state::Edit& edit, const state::State& next) {
    attempted[next.generation].push_back(next);
    const bool refused = static_cast<bool>(journal.append(edit));
    if (refused && publish_undurable) journal.keep(edit);
    if (journal.durable() && !journal.history().empty()) acknowledged = journal.history().state().generation;
  }

  // What the journal holds now: the last acknowledged state or a later one that was on its way, never an
  // older one, never nothing. Empty if that is so, else what is wrong.
  std::string fault() {
    const auto opened = state::Journal::open(files, "/s", kLimits);
    if (!opened) return acknowledged == 0 ? "" : "cannot be opened: " + opened.error().message();
    const state::State& found = opened->journal.history().state();
    if (found.generation < acknowledged)
      return "generation " + std::to_string(found.generation) + " is older than " +
             std::to_string(acknowledged);
    if (found.generation == 0) return "";
    for (const auto& state : attempted[found.generation])
      if (state == found) return "";
    return "generation " + std::to_string(found.generation) + " is none that was ever published";
  }
};

}  // namespace sluice::testing
