// From what an operator asked for to a plan that is checked: one of the configuration, the text of a file, or
// made of flags. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <vector>

#include "control/protocol/messages.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::rollout {

template <class T>
using Result = boost::system::result<T, protocol::Problem>;
using PlanResult = boost::system::result<config::PlanSpec, protocol::Problem>;

// A problem: no plan of that name (with a suggestion), FILE:LINE:COL of what is wrong in a file, or the flag.
PlanResult plan_of(const protocol::RolloutStart& message, const std::vector<config::PlanSpec>& configured);

// The checks that flags ask for before the first user.
Result<std::vector<config::VerifySpec>> checks_of(const protocol::Checks& checks);

// `cutover --watch-for`: 100 % at once, watched. Requires: message.watch_for.
PlanResult watch_plan(const protocol::Cutover& message);

}  // namespace sluice::rollout
