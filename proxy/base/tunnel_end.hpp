// One side of a tunnel: raw bytes both ways, from the moment a 101 has gone through (RFC 9110 7.8). The
// client's stream is one side, the backend's request the other. Worker only.
#pragma once

#include <chrono>
#include <string_view>

#include "proxy/base/stream_status.hpp"
#include "proxy/base/task.hpp"

namespace sluice {

class TunnelEnd {
 public:
  // The next bytes, those first that came behind the head. `bytes` is valid until the next call. timed_out:
  // nothing came within `idle`. The reference outlives the wait.
  virtual Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) = 0;
  // All of `bytes`, which outlive the wait. timed_out: not one went within `idle`.
  virtual Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) = 0;
  // Also of what is being waited for now.
  virtual void set_tunnel_timeout(std::chrono::milliseconds idle) = 0;
  virtual void end_tunnel() = 0;  // no more bytes from us; reading goes on
  virtual void cancel() = 0;      // what is being waited for ends as canceled

 protected:
  ~TunnelEnd() = default;
};

}  // namespace sluice
