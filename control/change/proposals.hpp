// What each verb of the operator changes, as a proposal: one function for each message. A verb that does more
// than change the state (it waits, or checks first) is in shift_verbs, backend_verbs or pause_verbs. Control
// thread only.
#pragma once

#include <string>

#include "control/change/in_force.hpp"
#include "control/change/invocation.hpp"
#include "control/change/messages.hpp"
#include "control/change/proposal.hpp"
#include "control/io/resolver.hpp"
#include "control/rollout/transitions.hpp"

namespace sluice::change {

class Committer;

// What a proposal may look at, now and when it is committed. All of it outlives the proposal.
struct Planning {
  const InForce& in_force;
  const io::Resolver& resolver;
  const Committer& committer;  // for its history
};

Proposal propose(const Planning& now, const Invocation& by, protocol::Split message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Cutover message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Rollback message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Undo message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Redo message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Confirm message);
Proposal propose(const Planning& now, const Invocation& by, protocol::RolloutAct message);
Proposal propose(const Planning& now, const Invocation& by, rollout::Start start);

Proposal propose(const Planning& now, const Invocation& by, protocol::Drain message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Ready message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Maint message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Weight message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Add message);
// Takes the backend out. The caller drains it first.
Proposal propose(const Planning& now, const Invocation& by, protocol::Remove message);

Proposal propose(const Planning& now, const Invocation& by, protocol::Pause message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Resume message);
Proposal propose(const Planning& now, const Invocation& by, protocol::Stop message);
Proposal propose(const Planning& now, const Invocation& by, protocol::SetFlag message);
Proposal propose(const Planning& now, const Invocation& by, protocol::RemoveFlag message);
Proposal propose(const Planning& now, const Invocation& by, protocol::SetMirror message);
Proposal propose(const Planning& now, const Invocation& by, protocol::ClearMirror message);

}  // namespace sluice::change
