#include "proxy/client/linger.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::client {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {
// As nginx's lingering_timeout, for each read.
constexpr milliseconds kPause = 5s;
constexpr std::uint64_t kMost = 256 << 20;
}  // namespace

Task<void> linger(Connection& connection, milliseconds longest) {
  net::Stream& socket = connection.socket();
  socket.shutdown_send();
  const auto until = net::Clock::now() + longest;
  std::uint64_t drained = 0;
  Buffer rest;
  while (drained < kMost) {
    if (!socket.armed()) {
      rest.clear();
      socket.arm(rest);
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - net::Clock::now());
    if (left <= 0ms) break;
    socket.set_timeout(std::min<milliseconds>(left, connection.is_draining() ? kLastGoodbye : kPause));
    const auto read = co_await socket.read();
    if (read.status != net::IoStatus::ok) break;
    drained += read.size;
  }
}

}  // namespace sluice::client
