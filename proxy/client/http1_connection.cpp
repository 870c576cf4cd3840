#include "proxy/client/http1_connection.hpp"

#include <algorithm>
#include <utility>

#include "proxy/client/linger.hpp"
#include "proxy/client/preface.hpp"
#include "proxy/client/refusal.hpp"
#include "proxy/http1/response_writer.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using net::IoStatus;
using std::chrono::milliseconds;

namespace {
constexpr auto kPark = 5s;  // a connection that is idle for so long is parked

// For a client that was answered before it had sent all, as nginx's lingering_time.
constexpr auto kLinger = 30s;
}  // namespace

Http1Connection::Http1Connection(Connection& connection)
    : connection_(connection),
      socket_(connection.socket()),
      input_(std::move(connection.came())),
      parser_(connection.listener().head_limits()),
      stream_(connection, input_, output_),
      state_(socket_.armed() ? State::woken : State::idle) {}

Task<Http1End> Http1Connection::serve() {
  for (;;) {
    HeadResult result = look_for_head();
    while (result == HeadResult::incomplete) {
      prepare_read();
      const auto read = co_await socket_.read();
      result = after_read(read);
    }
    if (result == HeadResult::refused) co_await refuse(refusal_);
    if (result == HeadResult::parked) co_return Http1End::parked;
    if (result == HeadResult::http2) {
      connection_.came() = input_.take();
      co_return Http1End::http2;
    }
    if (result != HeadResult::complete) co_return Http1End::closed;
    begin_request();
    co_await connection_.handler().serve(stream_);
    stream_.end();
    if (stream_.end_is_unsent()) {
      socket_.set_timeout(connection_.listener().spec.body_timeout);
      auto write = socket_.write(output_.unsent());
      if (is_ending()) write.end_follows();
      const auto status = co_await write;
      stream_.after_send(status);
    }
    if (is_ending()) {
      const bool done = stream_.body_read() || stream_.status() == 408;
      if (stream_.is_open() && !client_is_done())
        co_await say_goodbye(done ? kGoodbye : kLinger);
      else if (stream_.is_open() && !socket_.tls())
        socket_.shutdown_send();  // what was kept back goes: a close that finds unread bytes would drop it
      co_return Http1End::closed;
    }
    end_request();
  }
}

// --- heads

Http1Connection::HeadResult Http1Connection::look_for_head() {
  if (input_.empty()) return HeadResult::incomplete;
  if (!head_) head_ = std::make_unique<http1::RequestHead>();
  if (!socket_.armed()) input_.compact();
  if (connection_.requests() == 0 && connection_.chooses_by_preface()) {
    const Preface preface = preface_in(input_.head_bytes());
    if (preface == Preface::whole) return HeadResult::http2;
    if (preface == Preface::begun) return await_rest_of_head();
  }
  switch (parser_.parse(input_.head_bytes(), *head_)) {
    case http1::Status::done:
      if (connection_.serves_host(head_->host)) return HeadResult::complete;
      refusal_ = {421, "misdirected"};
      return HeadResult::refused;
    case http1::Status::refused:
      refusal_ = parser_.refusal();
      return HeadResult::refused;
    case http1::Status::more:
      break;
  }
  return await_rest_of_head();
}

Http1Connection::HeadResult Http1Connection::await_rest_of_head() {
  if (state_ != State::in_head) {
    socket_.set_timeout(connection_.listener().spec.header_timeout);
    head_began_ = net::Clock::now();
  }
  state_ = State::in_head;
  return HeadResult::incomplete;
}

void Http1Connection::prepare_read() {
  if (!socket_.armed()) {
    if (state_ == State::idle) input_.clear();
    input_.make_room(false);
    socket_.arm(input_.tail());
  }
  if (state_ == State::idle) socket_.set_timeout(std::min<milliseconds>(kPark, idle_timeout()));
}

Http1Connection::HeadResult Http1Connection::after_read(net::ReadResult read) {
  if (read.status == IoStatus::timed_out) return after_timeout();
  if (read.status != IoStatus::ok) return HeadResult::closed;
  if (state_ == State::woken) state_ = State::idle;
  input_.tail().commit(read.size);
  return look_for_head();
}

Http1Connection::HeadResult Http1Connection::after_timeout() {
  if (state_ == State::in_head) {
    refusal_ = {408, "timeout"};
    return HeadResult::refused;
  }
  const bool waited_all = state_ == State::woken || idle_timeout() <= kPark;
  if (waited_all || connection_.is_draining()) return HeadResult::closed;
  socket_.set_timeout(idle_timeout() - kPark);
  return HeadResult::parked;
}

// How long the client may take to begin a request.
milliseconds Http1Connection::idle_timeout() const {
  const config::ListenerSpec& spec = connection_.listener().spec;
  return connection_.requests() == 0 ? spec.header_timeout : spec.idle_timeout;
}

// --- requests

void Http1Connection::begin_request() {
  const std::uint32_t most = connection_.listener().spec.max_requests;
  const std::uint64_t requests = ++connection_.requests();
  state_ = State::answering;
  stream_.begin(*head_, most == 0 || requests < most);
  socket_.clear_timeout();
}

void Http1Connection::end_request() {
  input_.end_message();
  socket_.move_read(input_.tail());
  if (input_.empty() && !socket_.read_ready()) {
    input_.release();
    output_.release();
  }
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
  if (status == IoStatus::ok) co_await say_goodbye(refusal.status == 408 ? kGoodbye : kLinger);
}

// --- the end

// No request follows the one that was answered. Stays so once it is.
bool Http1Connection::is_ending() const { return connection_.is_draining() || !stream_.stays_open(); }

// A client that asked for the end itself, and of whom nothing is unread: there is nothing that a close could
// take its answer away for, and it need not be waited for. nginx does the same.
bool Http1Connection::client_is_done() const {
  return !head_->keep_alive && stream_.body_read() && input_.unread().empty() && socket_.quiet();
}

Task<void> Http1Connection::say_goodbye(milliseconds longest) {
  state_ = State::lingering;
  co_await linger(connection_, longest);
}

void Http1Connection::drain() {
  if (state_ == State::lingering) socket_.set_timeout(kLastGoodbye);
  if (state_ == State::idle && !socket_.read_ready())
    socket_.cancel();  // a request that has just come is answered
}

void Http1Connection::close_now() {
  socket_.cancel();
  stream_.lose();
}

}  // namespace sluice::client
