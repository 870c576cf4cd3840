// The metrics of rollouts: their states, and each gate's value beside its limit. Control thread only.
#pragma once

#include "control/admin/exposition.hpp"
#include "control/change/status_writer.hpp"

namespace sluice::admin {

void rollout_metrics(Exposition& out, const change::StatusWriter& views);

}  // namespace sluice::admin
