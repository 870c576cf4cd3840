// POST /v1/explain: what would become of a request that nobody sent. It asks the functions that route real
// ones, takes no place of the exact split and moves no counter. Pure but for the live health it reads.
#pragma once

#include "control/admin/call.hpp"
#include "control/protocol/answers.hpp"
#include "control/protocol/messages.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

// A problem when no client could send the request.
Result<protocol::Explained> explain(const route::Snapshot& snapshot, const protocol::Explain& message);

}  // namespace sluice::admin
