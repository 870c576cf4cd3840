#include "proxy/upstream/connection.hpp"

#include <algorithm>

#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {

using namespace std::chrono_literals;

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
