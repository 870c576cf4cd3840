// One side of a tunnel: raw bytes both ways, from the moment a 101 has gone through (RFC 9110 7.8). The
// client's stream is one side, the backend's request the other. Worker only.
//
// Bytes of a tunnel or of a body that nobody here needs to see may stay in the kernel: read into a Pipe where
// the other side takes them so.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "proxy/base/pipe.hpp"
#include "proxy/base/stream_status.hpp"
#include "proxy/base/task.hpp"

namespace sluice {

class TunnelEnd {
 public:
  // The next bytes, those first that came behind the head. `bytes` is valid until the next call. timed_out:
  // nothing came within `idle`. The reference outlives the wait.
  virtual Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) = 0;
  // Where those bytes are instead, when they did not come into memory, until they are written. Null: they
  // did.
  virtual Pipe* tunnel_pipe() { return nullptr; }
  // All of `bytes`, which outlive the wait. timed_out: not one went within `idle`.
  virtual Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) = 0;
  // The same of what is in a pipe. Requires: takes_pipes().
  virtual Task<StreamStatus> write_tunnel_pipe(Pipe&, std::chrono::milliseconds) {
    co_return StreamStatus::reset;
  }
  // Also of what is being waited for now.
  virtual void set_tunnel_timeout(std::chrono::milliseconds idle) = 0;
  virtual void end_tunnel() = 0;  // no more bytes from us; reading goes on
  virtual void cancel() = 0;      // what is being waited for ends as canceled

  // What is sent to it may be in a pipe.
  bool takes_pipes() const { return takes_pipes_; }
  // What is read from it may come in a pipe; of a tunnel so many bytes at most.
  void allow_pipes(bool allowed, std::uint64_t most = UINT64_MAX) {
    pipes_allowed_ = allowed;
    most_piped_ = most;
  }

 protected:
  ~TunnelEnd() = default;

  bool takes_pipes_ = false;  // set by who knows its wire
  bool pipes_allowed_ = false;
  std::uint64_t most_piped_ = UINT64_MAX;
};

}  // namespace sluice
