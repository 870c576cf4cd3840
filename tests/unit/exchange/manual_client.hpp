// A client in the hands of a test, without a socket: it does what the test says when the test says so, in
// simulated time. (FakeStream in fakes.hpp follows a script.)
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manual_ends.hpp"
#include "proxy/client/client_stream.hpp"

namespace sluice::exchange {

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

// Many methods, because it is a ClientStream and a TunnelEnd; many fields, because a test looks at all that a
// client can see.
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
  int kept = 0;            // bytes, of the body, to be sent again
  int may_keep = 1 << 20;

  // --- ClientStream
  SocketAddresses addresses() const override { return {}; }
  upstream::Logins& logins() override { return logins_; }
  bool whole_body(std::string_view& body) const override {
    body = ask_.body;
    return whole_;
  }
  std::string_view first_piece() override {
    bytes_in_ += ask_.body.size();
    return ask_.body;
  }
  Task<client::BodyPiece> read_body() override {
    while (taken_ == pieces_.size() && !lost_) {
      reading_.forever(kNever);
      const auto status = co_await reading_;
      if (status == StreamStatus::canceled) co_return client::BodyPiece{PieceKind::canceled, {}};
    }
    if (lost_) co_return client::BodyPiece{PieceKind::gone, {}};
    const auto& [kind, data] = pieces_[taken_];
    bytes_in_ += data.size();
    if (kind == PieceKind::done)
      whole_ = true;
    else
      ++taken_;
    co_return client::BodyPiece{kind, data};
  }
  bool limit_body(std::uint64_t bytes) override { return bytes == 0 || request_.content_length <= bytes; }
  std::span<const http::Field> trailers() const override { return {}; }
  bool body_read() const override { return whole_; }
  bool count_kept(int bytes) override {
    if (kept + bytes > may_keep) return false;
    kept += bytes;
    return true;
  }
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
    reading_.cancel_wait();
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

}  // namespace sluice::exchange
