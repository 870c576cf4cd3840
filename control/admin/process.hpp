// The process itself, by the names that all Prometheus clients use.
#pragma once

#include "control/admin/exposition.hpp"

namespace sluice::admin {

void process_metrics(Exposition& out);

}  // namespace sluice::admin
