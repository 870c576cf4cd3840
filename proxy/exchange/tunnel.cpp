#include "proxy/exchange/tunnel.hpp"

namespace sluice::exchange {
namespace {
// One side has ended; the other gets this long without a byte to end as well.
constexpr auto kHalfOpen = std::chrono::milliseconds(10'000);
constexpr auto kAtOnce = std::chrono::milliseconds(1);  // a wait ends so, and nothing is lost
}  // namespace

Tunnel::Tunnel(net::TimerWheel& wheel, TunnelEnd& client, TunnelEnd& backend, std::chrono::milliseconds idle,
               std::uint32_t mask)
    : Deadline(wheel),
      wheel_(wheel),
      client_(client),
      backend_(backend),
      idle_(idle),
      goodbye_(client_goes_away(mask)) {}

std::chrono::milliseconds Tunnel::timeout() const {
  if (leaving_) return kGoodbye;
  return half_open_ ? kHalfOpen : idle_;
}

// One direction that waits in vain while the other moves is no idle tunnel; and one that leaves has its own
// time.
bool Tunnel::is_over(StreamStatus status) const {
  const auto quiet = (wheel_.tick() - last_byte_) * net::TimerWheel::kTick;
  if (leaving_) return aborted_ || status != StreamStatus::timed_out;
  return aborted_ || status != StreamStatus::timed_out || quiet >= idle_ || half_open_;
}

Task<void> Tunnel::run(bool opened) {
  moved();
  spawn(carry_up());
  bool whole = opened;
  if (whole) whole = co_await carry_down();
  half_open_ = true;
  client_.set_tunnel_timeout(kHalfOpen);
  if (!whole || aborted_) client_.cancel();
  co_await up_ended_;
  disarm();
}

// Of a piece, what may still go on.
std::string_view Tunnel::until_boundary(WebSocketFrames& frames, std::string_view bytes) const {
  if (leaving_) return bytes.substr(0, frames.pass_some(bytes));
  frames.pass(bytes);
  return bytes;
}

// False: a side was lost, or the tunnel is over.
Task<bool> Tunnel::carry_down() {
  std::string_view bytes;
  while (!aborted_) {
    if (leaving_ && !told_client_ && down_.at_boundary()) {
      const bool told = co_await say_goodbye_down();
      if (!told) co_return false;
    }
    const auto wait = timeout();
    backend_.allow_pipes(client_.takes_pipes(), down_.unseen());
    const auto read = co_await backend_.read_tunnel(bytes, wait);
    if (read == StreamStatus::ok) {
      if (told_client_) continue;  // nothing may follow a Close frame
      Pipe* const piped = backend_.tunnel_pipe();
      if (piped)
        down_.skip(piped->size());
      else
        bytes = until_boundary(down_, bytes);
      const std::size_t size = piped ? piped->size() : bytes.size();
      writes_down_ = true;
      const auto written = co_await write(client_, bytes, piped, idle_);
      writes_down_ = false;
      if (written != StreamStatus::ok) co_return false;
      out_ += size;
      moved();
      if (leaving_) client_.set_tunnel_timeout(kAtOnce);
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
    if (leaving_ && !told_backend_ && up_.at_boundary()) {
      const bool told = co_await say_goodbye_up();
      if (!told) break;
    }
    if (told_client_ && told_backend_ && up_.is_closed()) {
      client_.end_tunnel();  // it has said goodbye, too, and waits for our end (RFC 6455 7.1.1)
      break;
    }
    const auto wait = timeout();
    client_.allow_pipes(backend_.takes_pipes(), up_.unseen());
    const auto read = co_await client_.read_tunnel(bytes, wait);
    if (read == StreamStatus::ok) {
      if (told_backend_) {  // only to see the Close frame
        up_.pass(bytes);
        continue;
      }
      Pipe* const piped = client_.tunnel_pipe();
      if (piped)
        up_.skip(piped->size());
      else
        bytes = until_boundary(up_, bytes);
      const std::size_t size = piped ? piped->size() : bytes.size();
      writes_up_ = true;
      const auto written = co_await write(backend_, bytes, piped, idle_);
      writes_up_ = false;
      if (written != StreamStatus::ok) break;
      in_ += size;
      moved();
      if (leaving_) backend_.set_tunnel_timeout(kAtOnce);
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

// A side that has sent, or been sent, a Close frame knows.
Task<bool> Tunnel::say_goodbye_down() {
  told_client_ = true;
  if (!down_.is_closed()) {
    writes_down_ = true;
    const auto written = co_await client_.write_tunnel(kServerGoesAway, kGoodbye);
    writes_down_ = false;
    if (written != StreamStatus::ok) co_return false;
    out_ += kServerGoesAway.size();
  }
  client_.set_tunnel_timeout(kAtOnce);
  co_return true;
}

Task<bool> Tunnel::say_goodbye_up() {
  told_backend_ = true;
  if (!up_.is_closed()) {
    writes_up_ = true;
    const auto written = co_await backend_.write_tunnel({goodbye_.data(), goodbye_.size()}, kGoodbye);
    writes_up_ = false;
    if (written != StreamStatus::ok) co_return false;
    in_ += goodbye_.size();
  }
  backend_.set_tunnel_timeout(kAtOnce);
  co_return true;
}

// What is no WebSocket, or does not come to a frame's end in time, is cut.
void Tunnel::expired() {
  if (leaving_ || !down_.is_framed() || !up_.is_framed()) return abort();
  leaving_ = true;
  expires_after(kGoodbye);
  wake();
}

// Who reads looks at the flag. A write is not disturbed: the direction that writes looks behind it, and wakes
// the other one then.
void Tunnel::wake() {
  if (!writes_up_) backend_.set_tunnel_timeout(kAtOnce);
  if (!writes_down_) client_.set_tunnel_timeout(kAtOnce);
}

// A direction whose wait has just ended has nothing to cancel: it sees the flag.
void Tunnel::abort() {
  aborted_ = true;
  backend_.cancel();
  client_.cancel();
}

}  // namespace sluice::exchange
