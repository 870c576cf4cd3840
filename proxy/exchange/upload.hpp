// The rest of a body that did not come whole with its head: read from the client and sent to the backend,
// beside the reading of the answer. What went to one backend can go to another while it is kept. Worker only.
#pragma once

#include <memory>

#include "proxy/base/task.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/kept_body.hpp"
#include "proxy/exchange/shadow.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::exchange {

class Upload {
 public:
  using End = client::BodyPiece::Kind;

  // `observer` is told when the client is found to be gone.
  Upload(client::ClientStream& client, client::StreamObserver& observer, Shadow& shadow)
      : client_(client), observer_(observer), shadow_(shadow) {}

  // What came with the head, before the first start(): the body begins with it.
  void begin_with(std::string_view piece);
  // Requires: not running, the head and the body as far as it has come went out on `request`, which outlives
  // the upload.
  void start(upstream::Request& request);
  // Pieces of the body have been read, or are being read.
  bool started() const { return state_ != State::idle; }
  // All that was read is kept, and what is still to come can be read: the body can be sent again. Of one that
  // runs: after its join().
  bool can_repeat() const { return kept_ && kept_->is_whole() && (!failed() || end_ == End::canceled); }
  std::string_view kept() const { return kept_ ? kept_->view() : std::string_view(); }
  // It is not to be sent again.
  void forget() { kept_.reset(); }
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
  std::unique_ptr<KeptBody> kept_;  // null: it cannot be sent again
  Event ended_;
};

}  // namespace sluice::exchange
