// A rollout as text for people. Pure.
#pragma once

#include <string>

#include "control/cli/table.hpp"
#include "control/protocol/rollout_status.hpp"

namespace sluice::cli {

// All of it: where it is, what it waits for, each gate with its numbers, what happened.
std::string render_rollout(const protocol::RolloutStatus& rollout, const std::string& service,
                           const Style& style);
// One line of --follow, with what is measured.
std::string render_rollout_line(const protocol::RolloutStatus& rollout);
// What is the same as long as only counters and times moved.
std::string rollout_landmark(const protocol::RolloutStatus& rollout);
// One line for the status of a service, of an active rollout.
std::string rollout_summary(const protocol::RolloutStatus& rollout);

}  // namespace sluice::cli
