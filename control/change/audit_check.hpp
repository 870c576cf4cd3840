// Whether the audit log in the state folder is whole (control/audit/verifier.hpp). Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "control/change/invocation.hpp"
#include "control/change/recorder.hpp"
#include "control/protocol/audit.hpp"

namespace sluice::change {

// As it is when this is called, read in pieces, between which the loop has its turns. A problem when it
// cannot be read. Both outlive it.
boost::asio::awaitable<Result<protocol::AuditVerified>> verify_audit(state::FileSystem& files,
                                                                     Recorder& recorder);

}  // namespace sluice::change
