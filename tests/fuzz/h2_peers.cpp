// A client's session and a server's, and between them wires that carry as much as they are told. The input is
// what both do. Every byte that one says on a stream the other hears, in order; and when all is carried,
// nothing is stuck.
#include <array>
#include <map>
#include <string>

#include "proxy/h2/head_writer.hpp"
#include "proxy/h2/session.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

using namespace h2;
using h2::Event;  // and not that of a coroutine
using h2::Role;

// One end of a stream.
struct End {
  std::string piece;                  // must outlive its sending
  std::size_t said = 0, heard = 0;    // bytes of the body
  std::size_t owed = 0;               // heard, and not given back as credit
  bool began = false, ended = false;  // its own message
  bool heard_head = false, heard_end = false;
  bool over = false;  // reset, by whomever
};

// The byte at that place of a body.
char byte_at(StreamId stream, Role from, std::size_t at) {
  return static_cast<char>(static_cast<std::size_t>(stream) * 7 + at * 31 + (at >> 8) +
                           (from == Role::client));
}

class Side {
 public:
  Side(Role role, const Limits& limits) : role_(role), session_(role, limits) {}

  void open(bool end) {
    FieldList list;
    list.field(":method", "POST");
    list.field(":scheme", "http");
    list.field(":authority", "a");
    list.field(":path", "/");
    const std::size_t room = session_.room();
    const StreamId id = session_.open(list, end, this);
    require((id != 0) == (room != 0), "a stream can be opened while there is room");
    if (id != 0) ends_[id].began = true, ends_[id].ended = end;
  }
  void answer(StreamId id, bool end) {
    End* const one = find(id);
    if (!one || one->began || one->over) return;
    FieldList list;
    write_reply({200, "", 0, 0}, "now", list);
    session_.send_head(id, list, end);
    one->began = true;
    one->ended = end;
  }
  void say(StreamId id, std::size_t size, bool last) {
    End* const one = find(id);
    if (!one || !one->began || one->ended || one->over || session_.unsent(id) != 0) return;
    one->piece.clear();
    for (std::size_t i = 0; i < size; ++i) one->piece += byte_at(id, role_, one->said + i);
    one->said += size;
    one->ended = last;
    session_.send_data(id, one->piece, last);
  }
  void trail(StreamId id) {
    End* const one = find(id);
    if (!one || !one->began || one->ended || one->over || session_.unsent(id) != 0) return;
    FieldList list;
    list.field("grpc-status", "0");
    session_.send_trailers(id, list);
    one->ended = true;
  }
  void reset(StreamId id) {
    End* const one = find(id);
    if (!one) return;
    session_.reset(id, ErrorCode::cancel);
    one->over = true;
  }
  void consume(StreamId id, std::size_t size) {
    End* const one = find(id);
    if (!one) return;
    size = std::min(size, one->owed);
    one->owed -= size;
    session_.consumed(id, size);
  }
  void forget(StreamId id) {
    End* const one = find(id);
    if (!one) return;
    one->over = true;
    session_.forget(id);
  }
  Session& session() { return session_; }
  StreamId pick(unsigned which) const {
    if (ends_.empty()) return 0;
    return std::next(ends_.begin(), which % static_cast<unsigned>(ends_.size()))->first;
  }

  void hear(std::string_view bytes) {
    for (const Event& event : session_.receive(bytes, 1000)) take(event);
    require(!session_.failed(), "two sound sessions do not fail");
  }
  std::size_t produce(Buffer& wire, std::size_t most) {
    const std::size_t before = wire.size();
    session_.produce(wire, before + most);
    if (session_.has_news()) hear("");
    return wire.size() - before;
  }
  void consume_all() {
    for (auto& [id, one] : ends_) consume(id, one.owed);
  }
  void end_all() {
    for (auto& [id, one] : ends_) {
      if (role_ == Role::server) answer(id, false);
      say(id, 10, true);
    }
  }
  const std::map<StreamId, End>& ends() const { return ends_; }

 private:
  End* find(StreamId id) {
    const auto at = ends_.find(id);
    return at == ends_.end() ? nullptr : &at->second;
  }
  void take(const Event& event) {
    if (event.stream == 0 || event.kind == Event::Kind::go_away) return;
    End& one = ends_[event.stream];
    require(!one.over, "nothing is told of a stream that is over");
    switch (event.kind) {
      case Event::Kind::head:
        require(!one.heard_head, "one head");
        one.heard_head = true;
        break;
      case Event::Kind::data:
        require(one.heard_head && !one.heard_end, "data stands between head and end");
        for (const char c : event.data)
          require(
              c == byte_at(event.stream, role_ == Role::client ? Role::server : Role::client, one.heard++),
              "every byte in its place");
        one.owed += event.data.size();
        break;
      case Event::Kind::trailers:
      case Event::Kind::end:
        require(one.heard_head && !one.heard_end, "one end");
        one.heard_end = true;
        break;
      case Event::Kind::reset:
        one.over = true;
        break;
      case Event::Kind::go_away:
      case Event::Kind::settings:
      case Event::Kind::pong:
      case Event::Kind::failed:
        break;
    }
    if (event.last) one.heard_end = true;
  }

  const Role role_;
  Session session_;
  std::map<StreamId, End> ends_;
};

class Wires {
 public:
  explicit Wires(const Limits& limits) : client(Role::client, limits), server(Role::server, limits) {}

  bool carry(Side& from, Buffer& wire, Side& to, std::size_t most) {
    const std::size_t produced = from.produce(wire, most);
    const std::string bytes(wire.view().substr(0, most));
    wire.consume(bytes.size());
    to.hear(bytes);
    return produced > 0 || !bytes.empty();
  }
  bool up(std::size_t most) { return carry(client, up_, server, most); }
  bool down(std::size_t most) { return carry(server, down_, client, most); }

  Side client, server;
  int pings = 0;

 private:
  Buffer up_, down_;
};

void act(Wires& wires, unsigned what, unsigned which, std::size_t size) {
  Side& side = what & 0x80 ? wires.server : wires.client;
  const StreamId id = side.pick(which);
  switch (what & 0x0f) {
    case 0:
      return wires.client.open(size % 4 == 0);
    case 1:
      return wires.server.answer(wires.server.pick(which), size % 4 == 0);
    case 2:
    case 3:
      return side.say(id, size * 97, what & 0x10);
    case 4:
      return side.trail(id);
    case 5:
      return side.consume(id, size * 257);
    case 6:
    case 7:
      wires.up(size * size + 1);
      return;
    case 8:
    case 9:
      wires.down(size * size + 1);
      return;
    case 10:
      return side.reset(id);
    case 11:
      return side.forget(id);
    case 12:
      if (wires.pings++ < 50) side.session().ping();  // more at once are a flood
      return;
    case 13:
      if (size == 1) wires.server.session().shutdown_notice();
      if (size == 2) wires.server.session().go_away(ErrorCode::no_error);
      return;
    default:
      return side.consume_all();
  }
}

}  // namespace

void h2_peers(std::string_view bytes) {
  if (bytes.size() < 2) return;
  Limits limits;
  limits.max_streams = 1 + static_cast<unsigned char>(bytes[0]) % 20;
  limits.stream_window = 500 + static_cast<unsigned char>(bytes[1]) * 300u;
  limits.glitches = 1'000'000;  // resets are a part of it
  Wires wires(limits);
  for (std::size_t at = 2; at + 2 < bytes.size(); at += 3)
    act(wires, static_cast<unsigned char>(bytes[at]), static_cast<unsigned char>(bytes[at + 1]),
        static_cast<unsigned char>(bytes[at + 2]));

  // Everything is carried and read: then every message has come whole.
  for (int i = 0; i < 1000; ++i) {
    wires.client.end_all();
    wires.server.end_all();
    wires.client.consume_all();
    wires.server.consume_all();
    const bool up = wires.up(1 << 20), down = wires.down(1 << 20);
    if (!up && !down) break;
    require(i < 900, "the wires come to rest");
  }
  for (const auto& [id, end] : wires.client.ends()) {
    if (end.over) continue;
    const auto at = wires.server.ends().find(id);
    require(at != wires.server.ends().end(), "a request has come");
    if (at->second.over) continue;
    require(end.heard_end && at->second.heard_end, "nothing is stuck");
    require(end.heard == at->second.said && at->second.heard == end.said, "all that was said was heard");
  }
  for (const auto& [id, end] : wires.client.ends()) wires.client.forget(id);
  for (const auto& [id, end] : wires.server.ends()) wires.server.forget(id);
  for (bool up = true, down = true; up || down;) up = wires.up(1 << 20), down = wires.down(1 << 20);
  require(wires.client.session().streams() == 0 && wires.server.session().streams() == 0, "nothing is left");
}

}  // namespace sluice::fuzz
