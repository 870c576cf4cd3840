#include "proxy/client/http1_connection.hpp"

#include <algorithm>
#include <utility>

#include "proxy/client/http1_refusal.hpp"
#include "proxy/http1/response_writer.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using net::IoStatus;
using std::chrono::milliseconds;

namespace {
constexpr auto kPark = 5s;  // an idle connection gives its buffer back after this

// A client that was answered before it had sent its whole request is read for so long and so far, so that it
// sees the answer (RFC 9112 9.6): nginx's lingering_time and, for each read, its lingering_timeout.
constexpr auto kLinger = 30s;
constexpr auto kLingerPause = 5s;
constexpr std::uint64_t kLingerBytes = 256 << 20;
// How long a client's FIN is waited for when no more of its request is: it was whole, or too slow.
constexpr auto kGoodbye = 2s;
constexpr auto kLastGoodbye = 1s;  // the same at shutdown
}  // namespace

Http1Connection::Http1Connection(Connection& connection)
    : connection_(connection),
      socket_(connection.socket()),
      parser_(connection.listener().head_limits()),
      stream_(connection, input_, output_) {}

Task<void> Http1Connection::serve() {
  for (;;) {
    HeadResult result = look_for_head();
    while (result == HeadResult::incomplete) {
      prepare_read();
      const auto read = co_await socket_.read();
      result = after_read(read);
    }
    if (result == HeadResult::refused) co_await refuse(refusal_);
    if (result != HeadResult::complete) co_return;
    begin_request();
    co_await connection_.handler().serve(stream_);
    stream_.end();
    if (stream_.end_is_unsent()) {
      socket_.set_timeout(connection_.listener().spec.body_timeout);
      const auto status = co_await socket_.write(output_.unsent());
      stream_.after_send(status);
    }
    if (connection_.is_draining() || !stream_.stays_open()) {
      const bool done = stream_.body_read() || stream_.status() == 408;
      if (stream_.is_open()) co_await linger(done ? kGoodbye : kLinger);
      co_return;
    }
    end_request();
  }
}

// --- heads

Http1Connection::HeadResult Http1Connection::look_for_head() {
  if (input_.empty()) return HeadResult::incomplete;
  if (!head_) head_ = std::make_unique<http1::RequestHead>();
  if (!socket_.armed()) input_.compact();
  switch (parser_.parse(input_.head_bytes(), *head_)) {
    case http1::Status::done:
      if (!is_misdirected()) return HeadResult::complete;
      refusal_ = {421, "misdirected"};
      return HeadResult::refused;
    case http1::Status::refused:
      refusal_ = parser_.refusal();
      return HeadResult::refused;
    case http1::Status::more:
      break;
  }
  if (state_ != State::in_head) {
    socket_.set_timeout(connection_.listener().spec.header_timeout);
    head_began_ = net::Clock::now();
  }
  state_ = State::in_head;
  return HeadResult::incomplete;
}

// RFC 9110 15.5.20. A request without a host (HTTP/1.0) is never misdirected.
bool Http1Connection::is_misdirected() const {
  return socket_.tls() && connection_.listener().spec.tls->check_host && !head_->host.empty() &&
         !tls::covers_host(*socket_.tls(), head_->host);
}

// Between two requests a connection waits for kPark with its buffer; then it is parked: it gives all it holds
// back, and waits for readability only.
void Http1Connection::prepare_read() {
  if (state_ == State::parked) return socket_.arm_wait();
  if (!socket_.armed()) {
    if (state_ == State::idle) input_.clear();
    input_.make_room(false);
    arm(socket_, input_.tail());
  }
  if (state_ == State::idle) socket_.set_timeout(std::min<milliseconds>(kPark, idle_timeout()));
}

Http1Connection::HeadResult Http1Connection::after_read(net::ReadResult read) {
  if (read.status == IoStatus::timed_out) return after_timeout();
  if (read.status != IoStatus::ok) return HeadResult::closed;
  if (state_ == State::parked) state_ = State::idle;
  input_.tail().commit(read.size);
  return look_for_head();
}

Http1Connection::HeadResult Http1Connection::after_timeout() {
  if (state_ == State::in_head) {
    refusal_ = {408, "timeout"};
    return HeadResult::refused;
  }
  const bool waited_all = state_ == State::parked || idle_timeout() <= kPark;
  if (waited_all || connection_.is_draining()) return HeadResult::closed;
  park();
  return HeadResult::incomplete;
}

void Http1Connection::park() {
  state_ = State::parked;
  input_.release();
  output_.release();
  head_.reset();
  socket_.set_timeout(idle_timeout() - kPark);
}

// How long the client may take to begin a request.
milliseconds Http1Connection::idle_timeout() const {
  const config::ListenerSpec& spec = connection_.listener().spec;
  return requests_ == 0 ? spec.header_timeout : spec.idle_timeout;
}

// --- requests

void Http1Connection::begin_request() {
  const std::uint32_t most = connection_.listener().spec.max_requests;
  ++requests_;
  state_ = State::answering;
  stream_.begin(*head_, most == 0 || requests_ < most);
  socket_.clear_timeout();
}

void Http1Connection::end_request() {
  input_.end_message();
  parser_.reset();
  state_ = State::idle;
}

Task<void> Http1Connection::refuse(http1::Refusal refusal) {
  WorkerContext& worker = connection_.worker();
  worker.counters.count_refused(refusal.reason);
  const auto began = state_ == State::in_head ? head_began_ : net::Clock::now();
  state_ = State::answering;
  socket_.set_timeout(connection_.listener().spec.body_timeout);
  const std::string_view text = explanation(refusal);
  output_.clear();
  http1::write_reply(refusal.status, refusal.reason, text, false, false, worker.date(), output_.heads());
  const auto status = co_await socket_.write(output_.heads().view());
  log_refusal(connection_, refusal, input_.head_bytes(), began, text.size());
  if (status == IoStatus::ok) co_await linger(refusal.status == 408 ? kGoodbye : kLinger);
}

// --- the end

// Says goodbye so that the answer arrives: closing with unread bytes would reset the connection and may take
// the answer with it.
Task<void> Http1Connection::linger(milliseconds longest) {
  state_ = State::lingering;
  socket_.shutdown_send();
  const auto until = net::Clock::now() + longest;
  std::uint64_t drained = 0;
  Buffer rest;
  while (drained < kLingerBytes) {
    if (!socket_.armed()) {
      rest.clear();
      arm(socket_, rest);
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - net::Clock::now());
    if (left <= 0ms) break;
    socket_.set_timeout(
        std::min<milliseconds>(left, connection_.is_draining() ? kLastGoodbye : kLingerPause));
    const auto read = co_await socket_.read();
    if (read.status != IoStatus::ok) break;
    drained += read.size;
  }
}

void Http1Connection::drain() {
  const bool idle = state_ == State::idle || state_ == State::parked;
  if (state_ == State::lingering) socket_.set_timeout(kLastGoodbye);
  if (idle && !socket_.read_ready()) socket_.cancel();  // a request that has just come is answered
}

void Http1Connection::close_now() {
  socket_.cancel();
  stream_.lose();
}

}  // namespace sluice::client
