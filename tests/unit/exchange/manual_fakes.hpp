// Clients and backends in the hands of a test, without a socket: each does what the test says when it says
// so, in simulated time. (fakes.hpp has those that follow a script.)
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/client/client_stream.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/upstream/request.hpp"
#include "suspension.hpp"

namespace sluice::exchange {

inline constexpr auto kNever = std::chrono::hours(10'000);

// The bytes that one side of a tunnel sends, until the other takes them.
class TunnelBytes {
 public:
  TunnelBytes(net::Poller& poller, net::TimerWheel& wheel) : reading_(poller, wheel) {}
  void say(std::string_view bytes) {
    said_.append(bytes);
    reading_.wake();
  }
  void finish() {
    finished_ = true;
    reading_.wake();
  }
  void lose() {
    lost_ = true;
    reading_.wake();
  }
  void cancel() { reading_.cancel(); }
  void set_timeout(std::chrono::milliseconds idle) {
    if (reading_.waiting()) reading_.forever(idle);
  }
  Task<StreamStatus> take(std::string_view& bytes, std::chrono::milliseconds idle) {
    while (said_.empty() && !finished_ && !lost_) {
      reading_.forever(idle);
      const auto status = co_await reading_;
      if (status != StreamStatus::ok) co_return status;
    }
    if (lost_) co_return StreamStatus::reset;
    if (said_.empty()) co_return StreamStatus::ended;
    taken_ = std::exchange(said_, {});
    bytes = taken_;
    co_return StreamStatus::ok;
  }

 private:
  Suspension reading_;
  std::string said_, taken_;
  bool finished_ = false, lost_ = false;
};

// Where a fake puts what it is sent, as long as it reads.
class Taker {
 public:
  Taker(net::Poller& poller, net::TimerWheel& wheel) : writing_(poller, wheel) {}
  std::string got;
  void stop_reading() { reading_ = false; }
  void read_again() {
    reading_ = true;
    writing_.wake();
  }
  bool reading() const { return reading_; }
  void lose() {
    lost_ = true;
    writing_.wake();
  }
  void cancel() { writing_.cancel(); }
  Task<StreamStatus> give(std::string_view bytes, std::chrono::milliseconds idle) {
    while (!reading_ && !lost_) {
      writing_.forever(idle);
      const auto status = co_await writing_;
      if (status != StreamStatus::ok) co_return status;
    }
    if (lost_) co_return StreamStatus::reset;
    got.append(bytes);
    co_return StreamStatus::ok;
  }

 private:
  Suspension writing_;
  bool reading_ = true, lost_ = false;
};

// What a client asks for.
struct Ask {
  std::string method = "GET";
  std::string path = "/a";
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};     // that came with the head
  std::uint64_t length = 0;  // of a body that comes in pieces, see ManualClient::send()
  bool chunked = false;      // likewise, of unknown length
  bool upgrade = false;
};
inline Ask post(std::string body = "abc") { return {"POST", "/a", {}, std::move(body)}; }
inline Ask upload(std::uint64_t length) { return {"POST", "/a", {}, {}, length}; }

class ManualClient final : public client::ClientStream {
 public:
  using PieceKind = client::BodyPiece::Kind;
  // How long flush() waits for a client that does not read, as timeouts of a listener do.
  static constexpr auto kBodyTimeout = std::chrono::seconds(60);

  ManualClient(net::Poller& poller, net::TimerWheel& wheel, Ask ask)
      : ask_(std::move(ask)), reading_(poller, wheel), out_(poller, wheel), tunnel_(poller, wheel) {
    request_.method = ask_.method;
    request_.host = "x";
    request_.target = request_.path = ask_.path;
    request_.is_head = ask_.method == "HEAD";
    request_.is_idempotent = ask_.method != "POST";
    if (ask_.upgrade) request_.upgrade = "websocket";
    for (const auto& [name, value] : ask_.fields) request_.fields.push(name, value);
    whole_ = ask_.length == 0 && !ask_.chunked;
    request_.content_length = whole_ ? ask_.body.size() : ask_.length;
    if (request_.content_length > 0) request_.body = http::BodyLength::known;
    if (ask_.chunked) request_.body = http::BodyLength::unknown;
    head_ = &request_;
    info_.address = info_.peer_address = "192.0.2.7";
    info_.listener = "web";
    info_.protocol = "HTTP/1.1";
  }

  // --- what the test says
  void send(std::string_view piece) { put(PieceKind::data, piece); }
  void end_body(PieceKind how = PieceKind::done) { put(how, {}); }
  void say(std::string_view bytes) { tunnel_.say(bytes); }
  void finish() {  // FIN
    tunnel_.finish();
    if (observer_ && watched_) observer_->client_half_closed();
  }
  void leave() {  // RST
    lost_ = true;
    reading_.wake();
    out_.lose();
    tunnel_.lose();
    if (observer_ && watched_) observer_->client_gone();
  }
  // The worker ends the connection, whatever the client does.
  void close_now() {
    watched_ = true;
    leave();
  }
  void stop_reading() { out_.stop_reading(); }
  void read_again() { out_.read_again(); }

  // --- what the client saw
  const std::string& got() const { return out_.got; }  // of the body, or through the tunnel
  std::string fields;  // of the answer, that the proxy added: "Name: value\r\n"
  std::vector<int> interims;
  std::string error;       // X-Sluice-Error
  int retry_after = 0;     // of an answer of the proxy's own
  bool complete = false;   // the answer came to its end
  bool was_reset = false;  // it cannot be taken for whole
  bool told_end = false;   // of a tunnel
  bool over = false;       // the exchange is

  // --- ClientStream
  SocketAddresses addresses() const override { return {}; }
  upstream::Logins& logins() override { return logins_; }
  bool whole_body(std::string_view& body) const override {
    body = ask_.body;
    return whole_;
  }
  Task<client::BodyPiece> read_body() override {
    while (taken_ == pieces_.size() && !lost_) {
      reading_.forever(kNever);
      const auto status = co_await reading_;
      if (status == StreamStatus::canceled) co_return client::BodyPiece{PieceKind::canceled, {}};
    }
    if (lost_) co_return client::BodyPiece{PieceKind::gone, {}};
    const auto& [kind, data] = pieces_[taken_++];
    bytes_in_ += data.size();
    if (kind == PieceKind::done) whole_ = true;
    co_return client::BodyPiece{kind, data};
  }
  bool limit_body(std::uint64_t bytes) override { return bytes == 0 || request_.content_length <= bytes; }
  std::span<const http::Field> trailers() const override { return {}; }
  bool body_read() const override { return whole_; }
  void watch() override {
    watched_ = true;
    if (lost_ && observer_) observer_->client_gone();
  }

  void send_interim(const http::ResponseHead& answer) override { interims.push_back(answer.status); }
  void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) override {
    EXPECT_EQ(status_, 0) << "two answers to one request";
    status_ = answer.status;
    for (const http::Field& field : extra)
      fields.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  bool send_data(std::string_view piece, bool last) override {
    bytes_out_ += piece.size();
    ends_ = last;
    pending_ = piece;
    if (lost_ || !out_.reading()) return false;
    out_.got.append(std::exchange(pending_, {}));
    complete = last;
    return true;
  }
  bool send_trailers(std::span<const http::Field>) override { return send_data({}, true); }
  bool push() override { return !lost_; }
  Task<StreamStatus> flush() override {
    const auto status = co_await out_.give(pending_, kBodyTimeout);
    pending_ = {};
    if (status == StreamStatus::ok) complete = ends_;
    co_return status;
  }
  Task<StreamStatus> reply(client::OwnReply reply) override {
    EXPECT_EQ(status_, 0) << "two answers to one request";
    status_ = reply.status;
    error = reply.reason;
    retry_after = reply.retry_after;
    const auto status = co_await out_.give(reply.text, kBodyTimeout);
    complete = status == StreamStatus::ok;
    co_return status;
  }
  bool open_tunnel(const http::ResponseHead& head) override {
    status_ = head.status;
    return !lost_;
  }
  void reset() override { was_reset = true; }
  void cancel() override {
    reading_.cancel();
    out_.cancel();
    tunnel_.cancel();
  }

  // --- TunnelEnd
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override {
    return tunnel_.take(bytes, idle);
  }
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override {
    return out_.give(bytes, idle);
  }
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { tunnel_.set_timeout(idle); }
  void end_tunnel() override { told_end = true; }

 private:
  void put(PieceKind kind, std::string_view piece) {
    pieces_.emplace_back(kind, piece);
    reading_.wake();
  }

  const Ask ask_;
  http::RequestHead request_;
  upstream::Logins logins_;
  std::deque<std::pair<PieceKind, std::string>> pieces_;  // of the body, as the client sent them
  std::size_t taken_ = 0;                                 // of them
  Suspension reading_;
  Taker out_;
  TunnelBytes tunnel_;
  std::string_view pending_;  // of the answer, that waits for flush()
  bool whole_ = true;         // nothing of the body is left to read
  bool ends_ = false, watched_ = false, lost_ = false;
};

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
    sending_.cancel();
    side_.arriving_.cancel();
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
