#include "proxy/exchange/tunnel.hpp"

namespace sluice::exchange {
namespace {
// One side has ended; the other gets this long without a byte to end as well.
constexpr auto kHalfOpen = std::chrono::milliseconds(10'000);
}  // namespace

Tunnel::Tunnel(net::TimerWheel& wheel, TunnelEnd& client, TunnelEnd& backend, std::chrono::milliseconds idle)
    : Deadline(wheel), wheel_(wheel), client_(client), backend_(backend), idle_(idle) {}

std::chrono::milliseconds Tunnel::timeout() const { return half_open_ ? kHalfOpen : idle_; }

// One direction that waits in vain while the other moves is no idle tunnel.
bool Tunnel::is_over(StreamStatus status) const {
  const auto quiet = (wheel_.tick() - last_byte_) * net::TimerWheel::kTick;
  return aborted_ || status != StreamStatus::timed_out || quiet >= idle_ || half_open_;
}

Task<void> Tunnel::run(bool opened) {
  moved();
  client_.allow_pipes(backend_.takes_pipes());
  backend_.allow_pipes(client_.takes_pipes());
  spawn(carry_up());
  bool whole = opened;
  if (whole) whole = co_await carry_down();
  half_open_ = true;
  client_.set_tunnel_timeout(kHalfOpen);
  if (!whole || aborted_) client_.cancel();
  co_await up_ended_;
  disarm();
}

// False: a side was lost, or the tunnel is over.
Task<bool> Tunnel::carry_down() {
  std::string_view bytes;
  while (!aborted_) {
    const auto wait = timeout();
    const auto read = co_await backend_.read_tunnel(bytes, wait);
    if (read == StreamStatus::ok) {
      Pipe* const piped = backend_.tunnel_pipe();
      const std::size_t size = piped ? piped->size() : bytes.size();
      const auto written = co_await write(client_, bytes, piped, idle_);
      if (written != StreamStatus::ok) co_return false;
      out_ += size;
      moved();
    } else if (read == StreamStatus::ended) {
      client_.end_tunnel();
      co_return true;
    } else if (is_over(read)) {
      co_return false;
    }
  }
  co_return false;
}

Task<void> Tunnel::carry_up() {
  std::string_view bytes;
  while (!aborted_) {
    const auto wait = timeout();
    const auto read = co_await client_.read_tunnel(bytes, wait);
    if (read == StreamStatus::ok) {
      Pipe* const piped = client_.tunnel_pipe();
      const std::size_t size = piped ? piped->size() : bytes.size();
      const auto written = co_await write(backend_, bytes, piped, idle_);
      if (written != StreamStatus::ok) break;
      in_ += size;
      moved();
    } else if (read == StreamStatus::ended) {
      backend_.end_tunnel();
      break;
    } else if (is_over(read)) {
      backend_.cancel();
      break;
    }
  }
  if (!half_open_) {
    half_open_ = true;
    backend_.set_tunnel_timeout(kHalfOpen);
  }
  up_ended_.fire();
}

Task<StreamStatus> Tunnel::write(TunnelEnd& to, std::string_view bytes, Pipe* piped,
                                 std::chrono::milliseconds idle) {
  return piped ? to.write_tunnel_pipe(*piped, idle) : to.write_tunnel(bytes, idle);
}

// A direction whose wait has just ended has nothing to cancel: it sees the flag.
void Tunnel::abort() {
  aborted_ = true;
  backend_.cancel();
  client_.cancel();
}

}  // namespace sluice::exchange
