// C9: where undo and redo stand, made of the history alone, so it holds over a restart; and the two changes.
//
// A step is what one verb did, which may be several edits: `remove` drains and takes out; a rollout is one
// step from its start to its end, a change with `--confirm-within` is one step with its expiry, and each
// backend of `rolling` is one step from its drain to its ready. `undo` takes the last step back that is in
// force and of which something is left to take back; only the values that the step touched, so what others
// changed meanwhile stays. `redo` makes the step again that was taken back last, until somebody makes a new
// change. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/state/apply.hpp"
#include "control/state/history.hpp"

namespace sluice::state {

struct Step {
  std::vector<std::uint64_t> generations;  // that its edits made, ascending; never empty
  std::uint64_t id() const { return generations.front(); }
  bool operator==(const Step&) const = default;
};

struct Walk {
  std::vector<Step> done;    // in force, the latest last
  std::vector<Step> undone;  // taken back; redo makes the last
};

// After the edits of `history` up to `generation`.
Walk walk_until(std::span<const PastEdit> history, std::uint64_t generation);

// Verbs of edits that only end what was said of a change: no step, and no end of what can be redone.
inline constexpr std::string_view kRetentionOver = "retain over";

// Refused when something cannot come back, unless forced. Not changed when there is nothing to take back or
// to make again; `why` says so.
Result<Change> undo(const State& now, const History& history, const Asked& asked);
Result<Change> redo(const State& now, const History& history, const Asked& asked);
// All that is in force becomes as it was at `generation`. What lies between can be redone when it is a row of
// steps of this walk. not_found when the generation is not recorded.
Result<Change> undo_to(const State& now, const History& history, std::uint64_t generation,
                       const Asked& asked);

}  // namespace sluice::state
