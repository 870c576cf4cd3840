// A rollout as the API shows it: in the status and as GET /v1/services/S/rollout. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "control/change/status.hpp"

namespace sluice::admin {

boost::json::object to_json(const change::RolloutView& rollout);
// "verifying", "running", "paused", "watching" (the last step at 100 %), "done", "rolled_back", "aborted".
std::string state_of(const state::Rollout& rollout);

}  // namespace sluice::admin
