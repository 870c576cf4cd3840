// A world for exchanges without a socket: a client's stream and requests to backends that do what a script
// says, in simulated time, with a fault at any step. Every call that may take its time suspends and goes on
// in the next round of the loop, as the real ones do.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/exchange.hpp"
#include "suspension.hpp"

namespace sluice::exchange {

// What goes wrong at the step that is asked for.
enum class Fault : std::uint8_t {
  none,
  client_gone,         // the client's connection is lost
  client_half_closed,  // the client sends FIN and reads on
  backend_reset,       // what the exchange asks of the backend ends as reset
  backend_silent,      // likewise, never
  backend_garbage,     // likewise, as an answer that is none
  drained,             // the backend's drain is over: what runs there is cut
  shut_down,           // the connection of the client is closed by the worker
};

// Counts the steps of a script and says when the fault is due.
class Steps {
 public:
  Fault fault = Fault::none;
  int at = 0;  // 1 is the first step
  int taken = 0;
  bool due(Fault asked) { return fault == asked && taken == at; }
  void take() { ++taken; }
};

// What the client asks, and what the backends answer.
struct Script {
  std::string method = "GET";
  bool idempotent = true;
  bool upgrade = false;
  bool whole_body = true;          // came with the head
  std::vector<std::string> body;   // of the request, in pieces
  std::vector<int> interims;       // before the answer
  std::vector<int> statuses{200};  // of the attempts in turn; the last one repeats
  std::vector<std::string> answer{"ok"};
  bool trailers = false;
  bool early_answer = false;    // before the body was read
  bool blocked = false;         // the client takes each piece only after a flush
  int refused_connections = 0;  // the first so many connections cannot be made
  // A gRPC call; its attempts end with these statuses in turn, the last one repeats: in trailers, or without
  // `answer` in the head. Empty: without one.
  std::vector<std::string> grpc;
  std::vector<http::Field> request_fields, answer_fields;
  bool grpc_web = false;  // the call is gRPC-Web's
  std::string_view
      answer_type;  // Content-Type; with one the length of the answer is not known before its end
};

inline std::string line_of(const http::Field& field) {
  return std::string(field.name).append(": ").append(field.value);
}

class FakeStream final : public client::ClientStream {
 public:
  FakeStream(net::Poller& poller, net::TimerWheel& wheel, const Script& script, Steps& steps)
      : script_(script), steps_(steps), reading_(poller, wheel), writing_(poller, wheel) {
    request_.method = script.method;
    request_.host = "x";
    request_.target = request_.path = "/a";
    request_.is_idempotent = script.idempotent;
    request_.is_head = false;
    if (script.upgrade) request_.upgrade = "websocket";
    for (const auto& piece : script.body) body_ += piece;
    request_.body = body_.empty() ? http::BodyLength::none : http::BodyLength::known;
    request_.content_length = body_.size();
    request_.is_grpc = !script.grpc.empty() && !script.grpc_web;
    for (const auto& field : script.request_fields) request_.fields.push(field);
    head_ = &request_;
    info_.address = info_.peer_address = "192.0.2.7";
    info_.listener = "web";
    info_.protocol = "HTTP/1.1";
    read_ = script.whole_body;
  }

  // --- what the test asks
  int heads = 0;              // of final answers, ours and the backends'
  std::vector<int> interims;  // that were passed on
  std::string sent;           // of the answer's body
  bool complete = false;      // the answer was sent to its end
  bool was_reset = false;
  bool own = false;  // the answer is the proxy's own
  client::OwnReply reply_sent;
  std::vector<std::string> fields_sent;  // of the last head: "name: value", the added ones behind
  std::vector<std::string> pieces_sent;
  std::vector<std::pair<std::string, std::string>> trailers_sent;
  std::chrono::milliseconds call_patience() const { return call_patience_; }
  bool watched = false;
  bool lost = false;  // the client is gone
  void lose() {
    lost = true;
    reading_.cancel();
    writing_.cancel();
    if (observer_) observer_->client_gone();
  }
  void half_close() {
    if (observer_ && watched) observer_->client_half_closed();
  }

  // --- ClientStream
  SocketAddresses addresses() const override { return {}; }
  upstream::Logins& logins() override { return logins_; }
  bool whole_body(std::string_view& body) const override {
    body = {};
    if (script_.whole_body) body = body_;
    return script_.whole_body;
  }
  Task<client::BodyPiece> read_body() override {
    using Kind = client::BodyPiece::Kind;
    steps_.take();
    const bool fails = steps_.due(Fault::client_gone);
    const auto status = co_await reading_;
    if (fails || lost) co_return client::BodyPiece{Kind::gone, {}};
    if (status == StreamStatus::canceled) co_return client::BodyPiece{Kind::canceled, {}};
    if (next_ == script_.body.size()) {
      read_ = true;
      co_return client::BodyPiece{Kind::done, {}};
    }
    bytes_in_ += script_.body[next_].size();
    co_return client::BodyPiece{Kind::data, script_.body[next_++]};
  }
  bool limit_body(std::uint64_t bytes) override { return bytes == 0 || body_.size() <= bytes; }
  std::span<const http::Field> trailers() const override { return {}; }
  bool body_read() const override { return read_; }
  void watch() override { watched = true; }

  void send_interim(const http::ResponseHead& answer) override { interims.push_back(answer.status); }
  void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) override {
    ++heads;
    status_ = answer.status;
    fields_sent.clear();
    for (const auto& field : answer.fields) fields_sent.push_back(line_of(field));
    for (const auto& field : extra) fields_sent.push_back(line_of(field));
  }
  bool send_data(std::string_view piece, bool last) override {
    steps_.take();
    sent.append(piece);
    if (!piece.empty()) pieces_sent.emplace_back(piece);
    bytes_out_ += piece.size();
    ends_ = last;
    if (lost || steps_.due(Fault::client_gone)) {
      lost = true;
      return false;
    }
    if (script_.blocked) return false;
    complete = last;
    return true;
  }
  bool send_trailers(std::span<const http::Field> trailers) override {
    EXPECT_FALSE(trailers.empty());
    for (const auto& field : trailers) trailers_sent.emplace_back(field.name, field.value);
    return send_data({}, true);
  }
  bool push() override { return !lost; }
  Task<StreamStatus> flush() override {
    steps_.take();
    if (steps_.due(Fault::client_gone)) lost = true;
    if (lost) co_return StreamStatus::reset;
    const auto status = co_await writing_;
    if (lost) co_return StreamStatus::reset;
    if (status == StreamStatus::ok) complete = ends_;
    co_return status;
  }
  Task<StreamStatus> reply(client::OwnReply reply) override {
    steps_.take();
    if (steps_.due(Fault::client_gone)) lost = true;
    ++heads;
    own = true;
    reply_sent = reply;
    status_ = reply.status;
    if (lost) co_return StreamStatus::reset;
    const auto status = co_await writing_;
    if (lost) co_return StreamStatus::reset;
    complete = status == StreamStatus::ok;
    co_return status;
  }
  bool open_tunnel(const http::ResponseHead& head) override {
    ++heads;
    status_ = head.status;
    return !lost;
  }
  void reset() override { was_reset = true; }
  void cancel() override {
    reading_.cancel();
    writing_.cancel();
  }

  // --- TunnelEnd: two messages, then the end.
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds) override {
    steps_.take();
    if (steps_.due(Fault::client_gone)) lost = true;
    const auto status = co_await reading_;
    if (lost) co_return StreamStatus::reset;
    if (status != StreamStatus::ok) co_return status;
    if (tunnelled_++ == 2) co_return StreamStatus::ended;
    bytes = "up";
    co_return StreamStatus::ok;
  }
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds) override {
    steps_.take();
    if (steps_.due(Fault::client_gone)) lost = true;
    const auto status = co_await writing_;
    if (lost) co_return StreamStatus::reset;
    if (status == StreamStatus::ok) sent.append(bytes);
    co_return status;
  }
  void set_tunnel_timeout(std::chrono::milliseconds) override {}
  void end_tunnel() override { complete = true; }

 private:
  const Script& script_;
  Steps& steps_;
  http::RequestHead request_;
  std::string body_;
  upstream::Logins logins_;
  Suspension reading_, writing_;
  std::size_t next_ = 0;
  bool read_ = false, ends_ = false;
  int tunnelled_ = 0;
};

// What the backends saw, over all attempts.
struct Seen {
  int requests = 0;  // heads that reached a backend
  int open = 0;      // requests that were begun and not ended
  int kept = 0;      // connections that went back to serve again
  int closed = 0;
  std::vector<std::uint32_t> previous_attempts;  // as they were told
  http::RequestHead head;                        // the last, without its texts
  std::vector<std::string> fields;               // of the last: "name: value"
  std::string body;                              // of the last, as far as it came
  bool whole = false;
};

class FakeRequest final : public upstream::Request {
 public:
  FakeRequest(net::Poller& poller, net::TimerWheel& wheel, const Script& script, Steps& steps, Seen& seen,
              const upstream::Target& target, int status, bool refused)
      : script_(script),
        steps_(steps),
        seen_(seen),
        timeouts_(*target.timeouts),
        refused_(refused),
        sending_(poller, wheel),
        arriving_(poller, wheel) {
    ++seen_.open;
    answer_.status = status;
    if (script.answer_type.empty()) return;
    answer_.body = http::BodyLength::unknown;
    answer_.fields.push("content-type", script.answer_type);
  }
  void end_with(const std::string& grpc_status) {
    if (!grpc_status.empty()) trailer_ = {"grpc-status", grpc_status};
    if (!script_.answer.empty() || script_.trailers || grpc_status.empty()) return;
    answer_.body = http::BodyLength::known;
    answer_.fields.push(trailer_);
    for (const auto& field : script_.answer_fields) answer_.fields.push(field);
  }

  Task<upstream::Connected> connect() override {
    steps_.take();
    const bool fails = refused_ || steps_.due(Fault::backend_reset);
    const bool silent = steps_.due(Fault::backend_silent);
    if (silent) sending_.forever(timeouts_.connect);
    const auto status = co_await sending_;
    if (status == StreamStatus::canceled) co_return upstream::Connected::canceled;
    co_return fails || silent ? upstream::Connected::failed : upstream::Connected::ok;
  }
  upstream::AnswerEvent next() override {
    using Kind = upstream::AnswerEvent::Kind;
    if (garbage_) return {Kind::failed, false, FailureKind::protocol, {}};
    if (at_ >= ready_) return {};
    const std::size_t n = at_++;
    if (n < script_.interims.size()) {
      interim_.status = script_.interims[n];
      current_ = &interim_;
      return {Kind::interim, false, {}, {}};
    }
    const std::size_t piece = n - script_.interims.size();
    if (piece == 0) {
      current_ = &answer_;
      return {script_.upgrade ? Kind::tunnel : Kind::head, false, {}, {}};
    }
    if (piece > script_.answer.size()) {
      answered_ = true;
      return {Kind::end, true, {}, {}};
    }
    const bool last = piece == script_.answer.size() && !script_.trailers;
    answered_ = last;
    return {Kind::data, last, {}, script_.answer[piece - 1]};
  }
  const http::ResponseHead& answer() const override { return *current_; }
  std::span<const http::Field> trailers() const override {
    if (!script_.trailers) return {};
    return {&trailer_, 1};
  }
  bool ended_with_head() const override { return script_.trailers && script_.answer.empty(); }
  void cancel() override {
    sending_.cancel();
    arriving_.cancel();
  }

  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override {
    steps_.take();
    if (steps_.due(Fault::backend_silent)) arriving_.forever(idle);
    const bool fails = steps_.due(Fault::backend_reset);
    const auto status = co_await arriving_;
    if (fails) co_return StreamStatus::reset;
    if (status != StreamStatus::ok) co_return status;
    if (tunnelled_++ == 2) co_return StreamStatus::ended;
    bytes = "down";
    co_return StreamStatus::ok;
  }
  Task<StreamStatus> write_tunnel(std::string_view, std::chrono::milliseconds) override {
    steps_.take();
    const bool fails = steps_.due(Fault::backend_reset);
    const auto status = co_await sending_;
    co_return fails ? StreamStatus::reset : status;
  }
  void set_tunnel_timeout(std::chrono::milliseconds) override {}
  void end_tunnel() override {}

 private:
  void end(bool reset) override {
    EXPECT_FALSE(sending_.waiting() || arriving_.waiting()) << "ended while it is awaited";
    --seen_.open;
    const bool serves_again = !reset && !garbage_ && !script_.upgrade && sent_whole_ && answered_;
    if (serves_again) {
      ++seen_.kept;
    } else {
      ++seen_.closed;
    }
    delete this;
  }
  void begin_head(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                  bool whole) override {
    seen_.previous_attempts.push_back(forward.previous_attempts);
    seen_.head = head;
    seen_.head.fields.clear();
    seen_.fields.clear();
    for (const auto& field : head.fields) seen_.fields.push_back(line_of(field));
    seen_.body = body;
    begin_send(whole);
    phase_ = upstream::Phase::sent;
    ++seen_.requests;
  }
  void begin_data(std::string_view piece, bool last, std::span<const http::Field>) override {
    seen_.body.append(piece);
    begin_send(last);
  }
  void begin_send(bool last) {
    seen_.whole = last;
    steps_.take();
    ends_ = last;
    send_fails_ = steps_.due(Fault::backend_reset);
    if (steps_.due(Fault::backend_silent)) sending_.forever(timeouts_.response);
  }
  bool is_sent() override { return false; }
  void resume_when_sent(std::coroutine_handle<> h) override { sending_.await_suspend(h); }
  StreamStatus take_sent() override {
    const auto status = sending_.await_resume();
    broken_ = send_fails_ ? StreamStatus::reset : status;
    if (broken_ == StreamStatus::ok && ends_) sent_whole_ = true;
    return broken_;
  }
  bool has_arrived() override { return false; }
  void resume_when_arrived(std::coroutine_handle<> h) override {
    steps_.take();
    arrival_fails_ = steps_.due(Fault::backend_reset);
    arrival_garbage_ = steps_.due(Fault::backend_garbage);
    if (steps_.due(Fault::backend_silent)) arriving_.forever(timeouts_.response);
    arriving_.await_suspend(h);
  }
  StreamStatus take_arrival() override {
    const auto status = arriving_.await_resume();
    if (arrival_fails_) return StreamStatus::reset;
    if (status != StreamStatus::ok) return status;
    if (broken_ != StreamStatus::ok) return broken_;
    if (arrival_garbage_) garbage_ = true;
    if (sent_whole_ || script_.early_answer) {
      phase_ = upstream::Phase::answered;
      ++ready_;
    }
    return StreamStatus::ok;
  }

  const Script& script_;
  Steps& steps_;
  Seen& seen_;
  StreamStatus broken_ = StreamStatus::ok;  // how the last send ended
  const config::TimeoutSpec& timeouts_;
  const bool refused_;
  Suspension sending_, arriving_;
  http::ResponseHead answer_, interim_;
  const http::ResponseHead* current_ = &answer_;
  http::Field trailer_{"Checksum", "1"};
  std::size_t ready_ = 0, at_ = 0;  // events that have come, and that were taken
  bool ends_ = false, sent_whole_ = false, answered_ = false, garbage_ = false;
  bool send_fails_ = false, arrival_fails_ = false, arrival_garbage_ = false;
  int tunnelled_ = 0;
};

class FakeConnector final : public upstream::Connector {
 public:
  FakeConnector(net::Poller& poller, net::TimerWheel& wheel, const Script& script, Steps& steps)
      : poller_(poller), wheel_(wheel), script_(script), steps_(steps) {}
  upstream::RequestPtr open(const upstream::Target& target, bool) override {
    const auto last = script_.statuses.size() - 1;
    const int status = script_.statuses[std::min(answered_++, last)];
    const bool refused = connections_++ < script_.refused_connections;
    auto* const request = new FakeRequest(poller_, wheel_, script_, steps_, seen, target,
                                          script_.upgrade ? 101 : status, refused);
    if (!script_.grpc.empty()) request->end_with(script_.grpc[std::min(answered_, script_.grpc.size()) - 1]);
    return upstream::RequestPtr(request);
  }
  int open_requests() const { return seen.open; }
  Seen seen;

 private:
  net::Poller& poller_;
  net::TimerWheel& wheel_;
  const Script& script_;
  Steps& steps_;
  std::size_t answered_ = 0;
  int connections_ = 0;
};

}  // namespace sluice::exchange
