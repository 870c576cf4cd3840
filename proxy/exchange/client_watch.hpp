// Watches the client while its answer is being made. A client that sent FIN may be gone or may be waiting for
// its answer: TCP does not say which. It gets a grace without a byte of progress, then it counts as gone.
// (nginx cuts at once, HAProxy never.) Worker only.
#pragma once

#include <cstdint>

#include "proxy/client/client_stream.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::exchange {

class ClientWatch : private net::Deadline {
 public:
  // `observer` is told when the grace is over.
  ClientWatch(net::TimerWheel& wheel, client::ClientStream& client, client::StreamObserver& observer)
      : Deadline(wheel), client_(client), observer_(observer) {}

  // From now on, if nothing of the body is left to read. May be called again.
  void begin() {
    if (watching_ || !client_.body_read()) return;
    watching_ = true;
    client_.watch();
  }
  // The client's FIN came.
  void half_closed() {
    sent_ = client_.body_bytes_out();
    expires_after(kGrace);
  }
  // Between begin_flush() and end_flush() the client is waited for: a write that fails will tell.
  void begin_flush() { flushing_ = true; }
  void end_flush() { flushing_ = false; }
  void end() { disarm(); }

 private:
  static constexpr auto kGrace = std::chrono::milliseconds(500);
  void expired() override {
    if (flushing_ || client_.body_bytes_out() != sent_) return half_closed();
    observer_.client_gone();
  }

  client::ClientStream& client_;
  client::StreamObserver& observer_;
  bool watching_ = false;
  bool flushing_ = false;
  std::uint64_t sent_ = 0;  // of the answer's body, when the grace began
};

}  // namespace sluice::exchange
