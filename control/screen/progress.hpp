// How far something is that takes longer than a moment, in one line. What is known of the time that is left
// is a deadline or a count; what is not known is said to be unknown, never guessed. Pure.
#pragma once

#include <optional>
#include <string>

#include "control/protocol/status.hpp"
#include "control/protocol/target.hpp"
#include "control/screen/line.hpp"

namespace sluice::screen {

struct Progress {
  enum class Left { unknown, at_most, at_least, about };

  std::string what;            // "api/blue drains"
  std::optional<double> part;  // that is done, 0 to 1; nothing: not known
  std::string detail;          // "4 requests left, the oldest /export 41s"
  Left kind = Left::unknown;
  protocol::milliseconds left{0};     // unless unknown
  protocol::milliseconds running{0};  // since it began
};

// "api/blue drains  #######.....  at most 12s more  4 of 10 left, the oldest /export 41s"; cut at the paper's
// edge.
Line progress_line(const Progress& progress, const Paper& paper);
// Likewise for a log, with how long it has been going on.
std::string progress_text(const Progress& progress);

// The drains of a target that are under way; nothing when there is none.
std::optional<Progress> drain_progress(const protocol::Status& status, const protocol::Target& target);
// How many backends of the target are up. `timeout`: when the wait is given up.
Progress healthy_progress(const protocol::Status& status, const protocol::Target& target,
                          protocol::milliseconds running, std::optional<protocol::milliseconds> timeout);
// How far a pool is that is renewed batch by batch.
struct Rolling {
  std::string pool;
  std::size_t done = 0, left = 0;   // backends
  protocol::milliseconds took{0};   // for those that are done
  protocol::milliseconds since{0};  // the first began
};
// Makes what a single one waits for a part of the whole, whose time is known when some are done: the others
// take as long as these took.
void put_into_rolling(Progress& of_one, const Rolling& rolling);
// An active rollout by the time of its steps; nothing when it is over.
std::optional<Progress> rollout_progress(const protocol::RolloutStatus& rollout);

}  // namespace sluice::screen
