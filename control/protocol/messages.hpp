// What sluicectl asks and the daemon answers: one struct per verb, the same for both sides (describe.hpp).
#pragma once

#include "control/protocol/audit.hpp"
#include "control/protocol/backends.hpp"
#include "control/protocol/change.hpp"
#include "control/protocol/notify.hpp"
#include "control/protocol/reads.hpp"
#include "control/protocol/report.hpp"
#include "control/protocol/rollout.hpp"
#include "control/protocol/samples.hpp"
#include "control/protocol/shift.hpp"
#include "control/protocol/traffic.hpp"
