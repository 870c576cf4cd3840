// The backend's side of HTTP/2 connections in the hands of a test: a session in the server's role on a
// socket, and raw frames where a session would not say them.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/h2/session.hpp"
#include "support/peer.hpp"

namespace sluice::upstream {

class Http2Peer {
 public:
  struct Stream {
    std::string head;  // "name=value " of each field
    std::string body, trailers;
    bool ended = false;
    std::optional<h2::ErrorCode> reset;
  };

  explicit Http2Peer(Peer& socket, const h2::Limits& limits = {})
      : session(h2::Role::server, limits), socket_(socket) {}

  void poll() {
    if (deaf) return;
    std::string bytes = std::exchange(socket_.got, {});
    constexpr std::string_view kAck("\0\0\0\4\1\0\0\0\0", 9);  // to SETTINGS that the session does not know
    for (; raw_settings_ > 0 && greeted_; --raw_settings_)
      if (const auto at = bytes.rfind(kAck); at != std::string::npos)
        bytes.erase(at, kAck.size());
      else
        break;
    for (const h2::Event& event : session.receive(bytes, 0)) take(event);
    flush();
  }
  void flush() {
    Buffer out;
    while (session.produce(out, 65536)) send(out);
    send(out);
  }
  void send(Buffer& out) {
    if (out.empty()) return;
    std::string bytes(out.view());
    out.clear();
    // Of the first SETTINGS: an id that says nothing (RFC 9113 6.5.2).
    constexpr std::string_view kTunnels("\0\10\0\0\0\1", 6);
    if (const auto at = bytes.find(kTunnels); !greeted_ && !tunnels && at != std::string::npos)
      bytes[at] = '\77';
    greeted_ = true;
    socket_.send(bytes);
  }

  using Fields = std::vector<std::pair<std::string, std::string>>;
  void interim(h2::StreamId stream, int status) {
    session.send_interim(stream, list({{":status", std::to_string(status)}}));
    flush();
  }
  void head(h2::StreamId stream, int status, bool end = false, const Fields& more = {}) {
    Fields fields{{":status", std::to_string(status)}};
    fields.insert(fields.end(), more.begin(), more.end());
    session.send_head(stream, list(fields), end);
    flush();
  }
  void data(h2::StreamId stream, std::string_view piece, bool last = false) {
    session.send_data(stream, pieces_.emplace_back(piece), last);
    flush();
  }
  void trailers(h2::StreamId stream, const Fields& fields) {
    session.send_trailers(stream, list(fields));
    flush();
  }
  void answer(h2::StreamId stream, std::string_view body = "ok") {
    head(stream, 200);
    data(stream, body, true);
  }
  void reset(h2::StreamId stream, h2::ErrorCode code) {
    session.reset(stream, code);
    flush();
  }
  void raw(int type, h2::StreamId stream, std::string_view payload) {
    const auto size = static_cast<char>(payload.size());
    const auto id = static_cast<char>(stream);  // small ones only
    socket_.send(std::string{'\0', '\0', size, static_cast<char>(type), '\0', '\0', '\0', '\0', id} +
                 std::string(payload));
  }
  void go_away(h2::StreamId last, h2::ErrorCode code = h2::ErrorCode::no_error) {
    raw(7, 0, number(static_cast<std::uint32_t>(last)) + number(static_cast<std::uint32_t>(code)));
  }
  void set_limit(std::uint32_t most) {
    raw(4, 0, std::string{'\0', '\3'} + number(most));
    ++raw_settings_;
  }

  h2::Session session;
  std::map<h2::StreamId, Stream> streams;
  std::optional<h2::ErrorCode> goaway;
  bool tunnels = true;  // says that it opens them
  bool deaf = false;    // reads nothing, answers nothing
  bool credits = true;  // what came may be sent again

  Peer& socket() { return socket_; }

 private:
  static std::string number(std::uint32_t n) {
    return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
            static_cast<char>(n)};
  }
  const h2::FieldList& list(const Fields& fields) {
    list_.clear();
    for (const auto& [name, value] : fields) list_.field(name, value);
    return list_;
  }
  static std::string text(const h2::FieldBlock& block) {
    std::string out;
    for (std::size_t i = 0; i < block.size(); ++i)
      out.append(block[i].name).append("=").append(block[i].value).append(" ");
    return out;
  }
  void take(const h2::Event& event) {
    using Kind = h2::Event::Kind;
    Stream& stream = streams[event.stream];
    if (event.kind == Kind::head) stream.head = text(*event.block);
    if (event.kind == Kind::data) {
      stream.body.append(event.data);
      if (credits) session.consumed(event.stream, event.data.size());
    }
    if (event.kind == Kind::trailers) stream.trailers = text(*event.block);
    if (event.kind == Kind::end || event.kind == Kind::trailers || event.last) stream.ended = true;
    if (event.kind == Kind::reset) stream.reset = event.error;
    if (event.kind == Kind::go_away) goaway = event.error;
  }

  Peer& socket_;
  bool greeted_ = false;
  int raw_settings_ = 0;  // that are not acknowledged
  h2::FieldList list_;
  std::deque<std::string> pieces_;
};

}  // namespace sluice::upstream
