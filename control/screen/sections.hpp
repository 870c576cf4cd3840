// The parts of the view of one service, each as lines. Pure.
#pragma once

#include <cstddef>

#include "control/protocol/status.hpp"
#include "control/screen/headline.hpp"
#include "control/screen/line.hpp"
#include "control/screen/trend.hpp"

namespace sluice::screen {

// What is happening, what it waits for, what takes it back. `ctl` is how sluicectl is called.
Lines headline_section(const protocol::ServiceStatus& service, const std::string& ctl, const Paper& paper);
// Each pool's share as a bar, set and measured, and its figures; with `trends` a line of sparklines each.
Lines pools_section(const protocol::ServiceStatus& service, const Trends* trends, const Paper& paper);
// "5% done -- [25% 6m 12s left] -- 50% for 10m".
Lines steps_section(const protocol::RolloutStatus& rollout, const Paper& paper);
// Each gate's value between its bounds against its limit, of those that move in step as well.
Lines gates_section(const protocol::RolloutStatus& rollout, const Paper& paper);
// Drains under way with their countdown, a bar each.
Lines drains_section(const protocol::ServiceStatus& service, const Paper& paper);
// The backends by name; of a pool of more than a dozen only those that are not well. `briefly`: a count a
// pool.
Lines backends_section(const protocol::ServiceStatus& service, bool briefly, const Paper& paper);
// What else is set: a mirror, flags, what is retained.
Lines extras_section(const protocol::ServiceStatus& service, const Paper& paper);

}  // namespace sluice::screen
