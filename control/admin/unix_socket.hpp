// The admin socket's place in the file system.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <string>

#include "control/change/control.hpp"

namespace sluice::admin {

using UnixAcceptor = boost::asio::local::stream_protocol::acceptor;

// Binds and listens with exactly this mode, and group when one is given. A socket file that nobody listens on
// is replaced, one that answers is not. An error text that names the path and the errno, or empty. Main
// thread, before workers start: it sets the umask for a moment.
std::string listen_unix(UnixAcceptor& acceptor, const config::AdminSpec& spec);
// Mode and group of the file that is there already.
void set_access(const config::AdminSpec& spec);

// Who is at the other end (SO_PEERCRED, SO_PEERGROUPS), with the role that these rules give him.
change::Actor peer_of(boost::asio::local::stream_protocol::socket& socket,
                      const std::vector<config::RoleSpec>& roles);

}  // namespace sluice::admin
