// Reading a journal back: a checkpoint (a whole State), then edits. Pure. See JOURNAL.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/state/edit.hpp"
#include "control/state/record.hpp"

namespace sluice::state {

struct Recovered {
  State base;                   // the checkpoint: what was before the first edit
  std::vector<PastEdit> edits;  // oldest first
  State state;                  // the base with all edits
  Ending ending = Ending::clean;
  std::vector<Unrestored> unrestored;
};

// A format of another version is a fault that no other copy can heal.
struct JournalFault {
  std::string why;
  bool other_version = false;
};

// A fault unless header and checkpoint can be read and at least one generation was published.
boost::system::result<Recovered, JournalFault> recover(std::string_view file);

// A journal's content: the checkpoint and the edits after it.
std::string checkpoint_record(const State& base);
std::string edit_record(const PastEdit& edit);

}  // namespace sluice::state
