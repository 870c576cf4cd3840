// After a 101: bytes both ways until both sides have ended, one is lost, nothing moves, or a drain's policy
// says so. Then both sides are told by a Close frame (1001), as soon as no frame is under way, and have a
// moment to answer it. Worker only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "proxy/base/frames.hpp"
#include "proxy/base/task.hpp"
#include "proxy/base/tunnel_end.hpp"
#include "proxy/exchange/websocket_frames.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::exchange {

class Tunnel : private net::Deadline {
 public:
  static constexpr std::chrono::milliseconds kGoodbye{2'000};  // for Close frames and their answers

  // Ends when nothing moves for `idle`. Both ends outlive it. `mask`: of a frame of our own, by chance.
  Tunnel(net::TimerWheel& wheel, TunnelEnd& client, TunnelEnd& backend, std::chrono::milliseconds idle,
         std::uint32_t mask);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // Returns when it is over. `opened` is false when the client did not take the 101.
  Task<void> run(bool opened);
  void abort();                                                             // a drain's deadline (D3)
  void end_within(std::chrono::milliseconds wait) { expires_after(wait); }  // its own deadline (D1)
  std::uint64_t bytes_in() const { return in_; }                            // from the client
  std::uint64_t bytes_out() const { return out_; }                          // to the client

 private:
  void expired() override;
  void wake();
  Task<bool> carry_down();
  Task<void> carry_up();
  Task<bool> say_goodbye_down();
  Task<bool> say_goodbye_up();
  std::string_view until_boundary(WebSocketFrames& frames, std::string_view bytes) const;
  static Task<StreamStatus> write(TunnelEnd& to, std::string_view bytes, Pipe* piped,
                                  std::chrono::milliseconds idle);
  std::chrono::milliseconds timeout() const;
  bool is_over(StreamStatus status) const;
  void moved() { last_byte_ = wheel_.tick(); }

  net::TimerWheel& wheel_;
  TunnelEnd& client_;
  TunnelEnd& backend_;
  const std::chrono::milliseconds idle_;
  std::uint64_t last_byte_ = 0;  // when one moved, in ticks of the wheel
  std::uint64_t in_ = 0, out_ = 0;
  bool half_open_ = false;  // one side has sent all it will send
  bool aborted_ = false;
  // Both sides are told that it ends; `told_`: that side has been, or knows it anyway.
  bool leaving_ = false, told_client_ = false, told_backend_ = false;
  bool writes_down_ = false, writes_up_ = false;  // now
  WebSocketFrames down_{WebSocketFrames::From::server}, up_{WebSocketFrames::From::client};
  const std::array<char, 8> goodbye_;
  Event up_ended_;
};

}  // namespace sluice::exchange
