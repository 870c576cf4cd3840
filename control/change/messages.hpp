// Every message that asks for a change: what Control::change() takes.
#pragma once

#include <chrono>
#include <variant>

#include "control/protocol/messages.hpp"

namespace sluice::change {

// First seen well while it is still out of the traffic, by fresh probes or, where nothing probes, by a
// connection; then made ready. Not in time: nothing was changed.
struct ReadyWhenHealthy {
  protocol::Target target;
  std::chrono::milliseconds timeout{0};
};

using Message = std::variant<protocol::Split, protocol::Cutover, protocol::Rollback, protocol::Undo,
                             protocol::Redo, protocol::Confirm, protocol::RolloutStart, protocol::RolloutAct,
                             protocol::Drain, protocol::Ready, ReadyWhenHealthy, protocol::Maint,
                             protocol::Add, protocol::Weight, protocol::Remove, protocol::Pause,
                             protocol::Resume, protocol::Stop, protocol::SetFlag, protocol::RemoveFlag,
                             protocol::SetMirror, protocol::ClearMirror, protocol::Reload, protocol::Upgrade>;

}  // namespace sluice::change
