// From a call to the message of its verb: the names of the path, the parameters, the fields of the body.
// Pure; a problem names the field.
#pragma once

#include <string>
#include <vector>

#include "control/admin/call.hpp"
#include "control/protocol/messages.hpp"

namespace sluice::admin {

using Names = std::vector<std::string>;  // Match::names

Result<protocol::Split> read_split(const Call& call, const Names& names);
Result<protocol::Cutover> read_cutover(const Call& call);
Result<protocol::Rollback> read_rollback(const Call& call,
                                         const Names& names);  // with a service in the path, or in the body
Result<protocol::RolloutStart> read_rollout_start(const Call& call, const Names& names);
Result<protocol::RolloutAct> read_rollout_act(const Call& call, const Names& names);
Result<protocol::Confirm> read_confirm(const Call& call);
Result<protocol::Undo> read_undo(const Call& call);
Result<protocol::Redo> read_redo(const Call& call);
Result<protocol::Drain> read_drain(const Call& call, const Names& names);
Result<protocol::Target> read_target(const Call& call,
                                     const Names& names);  // for verbs whose body has no fields
Result<protocol::Weight> read_weight(const Call& call, const Names& names);
Result<protocol::Add> read_add(const Call& call, const Names& names);
Result<protocol::Remove> read_remove(const Call& call, const Names& names);
Result<protocol::Wait> read_wait(const Call& call);
Result<protocol::Explain> read_explain(const Call& call);
Result<protocol::History> read_history(const Call& call);

}  // namespace sluice::admin
