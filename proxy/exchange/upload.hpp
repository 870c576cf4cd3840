// The rest of a body that did not come whole with its head: read from the client and sent to the backend,
// beside the reading of the answer. Worker only.
#pragma once

#include "proxy/base/task.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/shadow.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::exchange {

class Upload {
 public:
  using End = client::BodyPiece::Kind;

  // `observer` is told when the client is found to be gone.
  Upload(client::ClientStream& client, client::StreamObserver& observer, Shadow& shadow)
      : client_(client), observer_(observer), shadow_(shadow) {}

  // Requires: not started, the head went out on `request`, which outlives the upload.
  void start(upstream::Request& request);
  // Pieces of the body have been read, or are being read: it cannot be sent a second time.
  bool started() const { return state_ != State::idle; }
  bool running() const { return state_ == State::running || state_ == State::unwanted; }
  // Of the last piece that was read; `done` before the first one.
  End end() const { return end_; }
  bool failed() const { return end_ > End::done; }
  // The rest of the body is not wanted: cancels the upload and waits for its end. Requires: it is running.
  Task<void> join();

 private:
  enum class State : std::uint8_t { idle, running, unwanted, ended };
  Task<void> run();

  client::ClientStream& client_;
  client::StreamObserver& observer_;
  Shadow& shadow_;
  upstream::Request* request_ = nullptr;  // while it runs
  State state_ = State::idle;
  End end_ = End::done;
  Event ended_;
};

}  // namespace sluice::exchange
