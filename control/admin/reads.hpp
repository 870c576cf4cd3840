// The answers to what changes nothing: a function per message, of what Control knows now. Control thread
// only.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "control/admin/call.hpp"
#include "control/change/control.hpp"
#include "control/protocol/messages.hpp"

namespace sluice::admin {

boost::asio::awaitable<Reply> status(change::Control& control, protocol::GetStatus message);
boost::asio::awaitable<Reply> wait(change::Control& control, protocol::Wait message);
Reply rollout(const change::Control& control, const protocol::GetRollout& message);
Reply list_flags(const change::Control& control, const protocol::ListFlags& message);
Reply flag(const change::Control& control, const protocol::GetFlag& message);
Reply explain(const change::Control& control, const protocol::Explain& message);
Reply history(const change::Control& control, const protocol::History& message);
boost::asio::awaitable<Reply> verify_audit(change::Control& control, protocol::VerifyAudit message);
Reply report(const change::Control& control, const protocol::GetReport& message);
Reply config(const change::Control& control, const protocol::GetConfig& message);
Reply readyz(const change::Control& control, const protocol::GetReady& message);
Reply samples(const change::Control& control, const protocol::GetSamples& message);
// They are streamed by the connection, which alone knows when it ends.
Reply events(const change::Control& control, const protocol::Events& message);

}  // namespace sluice::admin
