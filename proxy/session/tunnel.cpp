// After a 101: bytes both ways until both sides have ended, one is lost, nothing moves, or a drain's policy
// says so.
#include "proxy/session/exchange.hpp"

namespace sluice::session {

using net::IoStatus;

namespace {
// One side has ended; the other gets this long without a byte to end as well.
constexpr auto kHalfOpen = std::chrono::milliseconds(10'000);
}  // namespace

// The one direction waits in vain while the other moves: that is no idle tunnel.
bool Exchange::tunnel_idle(IoStatus status) const {
  const auto idle = (context_.wheel.tick() - last_byte_) * net::TimerWheel::kTick;
  return status != IoStatus::timed_out || idle >= spec().timeouts.tunnel || tunnel_half_open_;
}

Task<void> Exchange::tunnel() {
  in_tunnel_ = true;
  never();  // no grace runs any more
  auto& counters = claim_.backend()->counters();
  counters.tunnels.add();
  upstream::Connection& conn = *conn_;
  client_.interim(answer_);
  conn.in.consume(answer_.size);
  last_byte_ = context_.wheel.tick();
  bool whole = client_.write({}, false, {});
  if (!whole) {
    const auto status = co_await client_.flush();
    whole = status == IoStatus::ok;
  }
  tunnel_up_running_ = true;
  spawn(tunnel_up());
  while (whole) {
    if (!conn.in.empty()) {
      const auto bytes = conn.in.view();
      const auto status = co_await client_.write_raw(bytes, spec().timeouts.tunnel);
      whole = status == IoStatus::ok;
      if (!whole) break;
      tunnel_out_ += bytes.size();
      last_byte_ = context_.wheel.tick();
      conn.in.clear();
    }
    if (!conn.stream.armed()) conn.arm();
    conn.stream.limit(tunnel_half_open_ ? kHalfOpen : spec().timeouts.tunnel);
    const auto read = co_await conn.stream.read();
    if (read.status == IoStatus::ok) {
      conn.in.commit(read.size);
    } else if (read.status == IoStatus::eof) {
      client_.shutdown_send();
      break;
    } else if (cut_ || tunnel_idle(read.status)) {
      whole = false;
    }
  }
  tunnel_half_open_ = true;
  client_.limit_raw(kHalfOpen);
  if (!whole || cut_) client_.cancel();
  if (tunnel_up_running_) co_await tunnel_up_done_;
  counters.tunnels.sub();
  release_conn(false);
}

Task<void> Exchange::tunnel_up() {
  upstream::Connection& conn = *conn_;
  std::string_view bytes;
  for (;;) {
    const auto patience = tunnel_half_open_ ? kHalfOpen : spec().timeouts.tunnel;
    const auto read = co_await client_.read_raw(bytes, patience);
    if (read == IoStatus::ok) {
      conn.stream.limit(spec().timeouts.tunnel);
      const auto status = co_await conn.stream.write(bytes);
      if (status != IoStatus::ok) break;
      tunnel_in_ += bytes.size();
      last_byte_ = context_.wheel.tick();
      continue;
    }
    if (read == IoStatus::eof) {
      conn.stream.shutdown_send();
      break;
    }
    if (cut_ || tunnel_idle(read)) {
      conn.stream.cancel();
      break;
    }
  }
  if (!tunnel_half_open_) {
    tunnel_half_open_ = true;
    conn.stream.limit(kHalfOpen);
  }
  tunnel_up_running_ = false;
  tunnel_up_done_.fire();
}

}  // namespace sluice::session
