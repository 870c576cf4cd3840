// The end of a connection whose client is still to read what was sent. Worker only.
#pragma once

#include <chrono>

#include "proxy/base/task.hpp"
#include "proxy/client/connection.hpp"

namespace sluice::client {

// For the FIN of a client that has sent all, or that was too slow to be waited for any longer.
inline constexpr std::chrono::milliseconds kGoodbye{2'000};
inline constexpr std::chrono::milliseconds kLastGoodbye{1'000};  // when the process ends

// Says goodbye so that the answer arrives: closing with unread bytes would reset the connection and may take
// the answer with it (RFC 9112 9.6). What the client still sends is read and thrown away, for `longest` at
// most.
Task<void> linger(Connection& connection, std::chrono::milliseconds longest);

}  // namespace sluice::client
