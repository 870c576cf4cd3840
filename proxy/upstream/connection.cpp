#include "proxy/upstream/connection.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {

using namespace std::chrono_literals;

namespace {
constexpr int kWideRoom = 1 << 20;  // bytes that the kernel keeps for a connection that carries long answers
constexpr std::uint32_t kMostWide = 64;           // of a thread
constexpr std::uint64_t kWorthRoom = 256 * 1024;  // shorter answers fit what the kernel keeps anyway, nearly
constinit thread_local std::uint32_t wide_connections = 0;
}  // namespace

std::chrono::milliseconds idle_time(const http1::ResponseHead& answer, std::chrono::milliseconds ours,
                                    std::chrono::milliseconds quiet) {
  constexpr std::chrono::milliseconds kMargin = 1s;
  if (answer.kept_seconds == http1::kKeptUnsaid) return ours;
  return std::min(ours, std::chrono::seconds(answer.kept_seconds) - kMargin - quiet);
}

Connection::Connection(net::Poller& poller, net::TimerWheel& wheel, Backend& backend)
    : stream(-1, poller, wheel), backend_(backend) {
  backend_.counters_.connections.add();
}

void Connection::start_tls(const std::string& address) {
  tls_context_ = backend_.tls();
  stream.secure(backend_.tls()->connect(stream.fd(), address, &backend_.session_));
}

void Connection::retire(std::unique_ptr<Connection> conn, bool reset) {
  if (!conn) return;
  conn->backend_.counters_.connections.sub();
  conn->stream.close(reset);
}

// A low-water mark makes the kernel's room as large as that, for good, and leaves it free to grow; SO_RCVBUF
// would fix it.
void Connection::expect(std::uint64_t bytes) {
  if (bytes < kWorthRoom || !wide_.enter()) return;
  for (const int mark : {kWideRoom, 1})
    ::setsockopt(stream.fd(), SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
}

// True: now; it is not one already, nor are there too many.
bool Connection::Wide::enter() {
  if (entered_ || wide_connections == kMostWide) return false;
  ++wide_connections;
  return entered_ = true;
}

Connection::Wide::~Wide() {
  if (entered_) --wide_connections;
}

bool Connection::arm() {
  if (in.empty()) in.clear();
  if (in.holds_storage() && in.room_size() == 0) {
    in.compact();
    if (in.room_size() == 0 && !in.grow()) return false;
  }
  stream.arm(in);
  return true;
}

void Connection::on_unawaited_read() { backend_.drop_idle(*this); }

}  // namespace sluice::upstream
