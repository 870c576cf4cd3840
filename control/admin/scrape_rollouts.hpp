// The metrics of rollouts: their states, and each gate's value beside its limit. Of a service that was told
// of in this scrape and has none it says so. Control thread only.
#pragma once

#include "control/admin/exposition.hpp"
#include "control/change/status_writer.hpp"

namespace sluice::admin {

void rollout_metrics(Exposition& out, const change::StatusWriter& views, const route::Snapshot& snapshot);

}  // namespace sluice::admin
