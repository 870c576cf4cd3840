// Backends in the hands of a test, without a socket: the test sees each request as its backend sees it, and
// says what the backend answers. Time is simulated. (FakeRequest in fakes.hpp follows a script.)
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "manual_ends.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::exchange {

// One request as its backend sees it, and what the backend says to it.
class BackendSide {
 public:
  BackendSide(net::Poller& poller, net::TimerWheel& wheel, const upstream::Target& target, bool reused_)
      : to(target.to->name),
        is_copy(target.is_copy),
        reused(reused_),
        arriving_(poller, wheel),
        in_(poller, wheel),
        tunnel_(poller, wheel) {}

  // --- what the test says
  void interim(int status = 103) { put({upstream::AnswerEvent::Kind::interim, status, {}, false}); }
  void begin_answer(int status = 200) { put({upstream::AnswerEvent::Kind::head, status, {}, false}); }
  void piece(std::string_view data, bool last = false) {
    put({upstream::AnswerEvent::Kind::data, 0, std::string(data), last});
  }
  void answer(int status = 200, std::string_view body = "ok") {
    begin_answer(status);
    piece(body, true);
  }
  void garbage() { put({upstream::AnswerEvent::Kind::failed, 0, {}, false}); }
  void open_tunnel() { put({upstream::AnswerEvent::Kind::tunnel, 101, {}, false}); }
  void close() { lose(StreamStatus::ended); }
  void abort() { lose(StreamStatus::reset); }
  void say(std::string_view bytes) { tunnel_.say(bytes); }
  void finish() { tunnel_.finish(); }
  void stop_reading() { in_.stop_reading(); }

  // --- what the backend saw
  const std::string to;  // its name
  const bool is_copy;
  const bool reused;                      // on a connection that had served before
  std::string& got() { return in_.got; }  // head and body; afterwards through the tunnel
  bool has(std::string_view text) { return got().find(text) != std::string::npos; }
  bool told_end = false;  // of a tunnel
  bool ended = false;     // the proxy is done with it
  bool kept = false;      // its connection may serve again

 private:
  friend class ManualRequest;
  struct Said {
    upstream::AnswerEvent::Kind kind;
    int status;
    std::string data;
    bool last;
  };
  void put(Said said) {
    said_.push_back(std::move(said));
    arriving_.wake();
  }
  void lose(StreamStatus how) {
    broken_ = how;
    arriving_.wake();
    tunnel_.lose();
    in_.lose();
  }

  std::deque<Said> said_;
  StreamStatus broken_ = StreamStatus::ok;  // how the connection ended behind what was said
  Suspension arriving_;
  Taker in_;
  TunnelBytes tunnel_;
};

class ManualRequest final : public upstream::Request {
 public:
  enum class Connects : std::uint8_t { yes, never, refused };
  // A connection that was kept adds to `idle`.
  ManualRequest(net::Poller& poller, net::TimerWheel& wheel, BackendSide& side, Connects connects,
                const config::TimeoutSpec& timeouts, int& idle)
      : side_(side), connects_(connects), timeouts_(timeouts), idle_(idle), sending_(poller, wheel) {
    reused_ = side.reused;
  }

  Task<upstream::Connected> connect() override {
    if (connects_ == Connects::never) sending_.forever(timeouts_.connect);
    const auto status = co_await sending_;
    if (status == StreamStatus::canceled) co_return upstream::Connected::canceled;
    co_return connects_ == Connects::yes ? upstream::Connected::ok : upstream::Connected::failed;
  }
  upstream::AnswerEvent next() override {
    using Kind = upstream::AnswerEvent::Kind;
    if (taken_ == side_.said_.size()) return {};
    const BackendSide::Said& said = side_.said_[taken_++];
    if (said.status != 0) answer_.status = said.status;
    complete_ = said.last;
    const auto failure = said.kind == Kind::failed ? FailureKind::protocol : FailureKind::none;
    return {said.kind, said.last, failure, said.data};
  }
  const http::ResponseHead& answer() const override { return answer_; }
  std::span<const http::Field> trailers() const override { return {}; }
  void cancel() override {
    sending_.cancel_wait();
    side_.arriving_.cancel_wait();
    side_.in_.cancel();
    side_.tunnel_.cancel();
  }
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override {
    return side_.tunnel_.take(bytes, idle);
  }
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override {
    return side_.in_.give(bytes, idle);
  }
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { side_.tunnel_.set_timeout(idle); }
  void end_tunnel() override { side_.told_end = true; }

 private:
  void end(bool reset) override {
    EXPECT_FALSE(sending_.waiting() || side_.arriving_.waiting()) << "ended while it is awaited";
    side_.ended = true;
    side_.kept = !reset && sent_whole_ && complete_ && side_.broken_ == StreamStatus::ok;
    if (side_.kept) ++idle_;
    delete this;
  }
  void begin_head(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                  bool whole) override {
    Buffer text;
    http1::write_request(head, forward, text);
    side_.got().append(text.view());
    begin_data(body, whole, {});
    phase_ = upstream::Phase::sent;
  }
  void begin_data(std::string_view piece, bool last, std::span<const http::Field>) override {
    side_.got().append(piece);
    sent_whole_ = last;
    // From now on the backend's time runs.
    if (last && side_.arriving_.waiting()) side_.arriving_.forever(timeouts_.response);
  }
  bool is_sent() override { return true; }
  void resume_when_sent(std::coroutine_handle<>) override {}
  StreamStatus take_sent() override { return StreamStatus::ok; }
  bool has_come() const { return taken_ < side_.said_.size() || side_.broken_ != StreamStatus::ok; }
  bool has_arrived() override { return false; }
  void resume_when_arrived(std::coroutine_handle<> h) override {
    if (!has_come()) side_.arriving_.forever(sent_whole_ ? timeouts_.response : kNever);
    side_.arriving_.await_suspend(h);
  }
  StreamStatus take_arrival() override {
    const auto status = side_.arriving_.await_resume();
    if (status != StreamStatus::ok) return status;
    if (taken_ == side_.said_.size()) return side_.broken_;
    phase_ = upstream::Phase::answered;
    return StreamStatus::ok;
  }

  BackendSide& side_;
  const Connects connects_;
  const config::TimeoutSpec& timeouts_;
  int& idle_;
  Suspension sending_;
  http::ResponseHead answer_;
  std::size_t taken_ = 0;  // of what the backend said
  bool sent_whole_ = false, complete_ = false;
};

class ManualConnector final : public upstream::Connector {
 public:
  ManualConnector(net::Poller& poller, net::TimerWheel& wheel) : poller_(poller), wheel_(wheel) {}
  upstream::RequestPtr open(const upstream::Target& target, bool fresh) override {
    int& idle = idle_[target.backend];
    const bool reused = !fresh && idle > 0;
    if (reused) --idle;
    using Connects = ManualRequest::Connects;
    auto connects = refusing.contains(target.to->name) ? Connects::refused : Connects::yes;
    if (unreachable.contains(target.to->name)) connects = Connects::never;
    BackendSide& side = sides.emplace_back(poller_, wheel_, target, reused);
    return upstream::RequestPtr(new ManualRequest(poller_, wheel_, side, connects, *target.timeouts, idle));
  }
  int open_requests() const {
    return static_cast<int>(
        std::count_if(sides.begin(), sides.end(), [](const BackendSide& side) { return !side.ended; }));
  }
  std::deque<BackendSide> sides;      // of all requests, in the order in which they were opened
  std::set<std::string> refusing;     // backends that take no connection
  std::set<std::string> unreachable;  // backends that neither take nor refuse one

 private:
  net::Poller& poller_;
  net::TimerWheel& wheel_;
  std::map<const upstream::Backend*, int> idle_;  // connections that may serve again
};

}  // namespace sluice::exchange
