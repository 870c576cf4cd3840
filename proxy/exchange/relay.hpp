// The answer on its way: what can be done with what has come, without waiting. The driver waits for what
// step() asks for. Worker only.
#pragma once

#include "proxy/base/failure.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/event_stream.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::exchange {

class Relay {
 public:
  enum class Step : std::uint8_t {
    head,     // the final head is there: pass it on, or throw the answer away
    wait,     // for more of the answer
    blocked,  // the client takes no more now: flush
    tunnel,   // the backend has opened one
    done,     // the client has the whole answer
    failed,   // see failure()
  };

  explicit Relay(client::ClientStream& client) : client_(client) {}

  // Another attempt's answer follows.
  void restart() { begun_ = false; }
  // The answer is a stream of events: `boundary` learns where they end, and outlives the relay.
  void watch_events(EventBoundary& boundary) { events_ = &boundary; }
  // It is whole as far as it has come, although the backend has not ended it.
  Step end_here() { return end(client_.send_data({}, true)); }
  Step step(upstream::Request& request);
  FailureKind failure() const { return failure_; }
  bool head_read() const { return begun_; }
  // An interim answer has gone on: a byte of an answer, too.
  bool sent_interim() const { return interims_ > 0; }

 private:
  Step fail(FailureKind kind);
  Step end(bool sent);

  client::ClientStream& client_;
  EventBoundary* events_ = nullptr;
  int interims_ = 0;
  bool begun_ = false;  // a final head, or a 101, was there
  bool ended_ = false;  // the last piece was written, and perhaps waits for the client to take it
  FailureKind failure_ = FailureKind::none;
};

}  // namespace sluice::exchange
