// Who asks for a change, and with which options: what every verb gets beside its own message. Pure, but for
// the clock.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/messages.hpp"
#include "control/protocol/problem.hpp"
#include "control/state/edit.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::change {

template <class T>
using Result = boost::system::result<T, protocol::Problem>;

// Who asks, for the audit line (T4) and `history`.
struct Actor {
  std::optional<std::uint32_t> uid, pid;  // of the peer on the unix socket
  std::string token;                      // the name of the token file on admin.http; never the token itself
  std::string name;                       // "signal", "daemon" ... when it is neither
  config::Role role = config::Role::admin;  // what it may do
};
// "uid 1000 pid 4711", "token admin.token", "signal".
std::string to_string(const Actor& actor);
state::Actor actor_of(const Actor& actor);

struct Invocation {
  Actor actor;
  protocol::ChangeOptions options;
};
// Of what the daemon does by itself: `name` is "daemon" or "rollout".
Invocation invocation_of(std::string name, std::string reason = {});

std::int64_t unix_milliseconds();

}  // namespace sluice::change
