// A server's session under any bytes behind the preface: what it tells does not depend on the cuts, and
// whoever answers gets away with it.
#include <map>
#include <string>

#include "proxy/h2/head_reader.hpp"
#include "proxy/h2/head_writer.hpp"
#include "proxy/h2/session.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

using namespace h2;
using h2::Event;  // and not that of a coroutine
using h2::Role;

const std::string kOpening = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

// What was told: the data of each stream in one piece, the rest in order. Before a mistake of the peer's more
// or less of the data may have come through.
struct Log {
  std::string rest;
  std::map<StreamId, std::string> data;
  ErrorCode failure = ErrorCode::no_error;
  bool gone = false;  // by the peer's word
  bool operator==(const Log&) const = default;

  void add(const Event& event) {
    if (event.kind == Event::Kind::failed) failure = event.error;
    gone |= event.kind == Event::Kind::go_away;
    if (event.kind == Event::Kind::reset) data.erase(event.stream);
    data[event.stream] += event.data;
    if (event.kind != Event::Kind::data) note(event.kind, event);
    if (event.block)
      for (std::size_t i = 0; i < event.block->size(); ++i)
        rest.append((*event.block)[i].name).append("=").append((*event.block)[i].value);
    if (event.last) note(Event::Kind::end, event);
  }
  void note(Event::Kind kind, const Event& event) {
    rest += "\n" + std::to_string(static_cast<int>(kind)) + " " + std::to_string(event.stream) + " ";
    rest += name_of(event.error);
  }
};

// Whole frames.
void check_frames(std::string_view bytes) {
  while (!bytes.empty()) {
    require(bytes.size() >= 9, "a frame's head is whole");
    const auto byte = [&](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]));
    };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    require(size <= 16384 && byte(3) <= 9 && bytes.size() >= 9 + size, "a frame is whole");
    bytes.remove_prefix(9 + size);
  }
}

// Only listens.
Log listen(std::string_view bytes, const http1::testing::Cut& cut) {
  Session session(Role::server, {});
  Log log;
  const std::string all = kOpening + std::string(bytes);
  for (std::size_t at = 0; at < all.size();) {
    const auto piece = std::string_view(all).substr(at, cut(at));
    for (const Event& event : session.receive(piece, 1000)) log.add(event);
    at += piece.size();
  }
  Buffer out;
  while (session.produce(out, out.size() + 100000)) {
  }
  check_frames(out.view());
  for (const Event& event : session.receive("", 1000)) log.add(event);
  return log;
}

// Answers every request in one of some ways, and reads as it likes.
class Answerer {
 public:
  void run(std::string_view bytes, const http1::testing::Cut& cut) {
    hear(kOpening);
    for (std::size_t at = 0; at < bytes.size();) {
      const auto piece = bytes.substr(at, cut(at));
      hear(piece);
      at += piece.size();
    }
    for (const auto& [id, way] : ways_) session_.forget(id);
    produce();
  }

 private:
  void hear(std::string_view piece) {
    for (const Event& event : session_.receive(piece, now_ms_ += 5)) take(event);
    require(session_.streams() <= Limits{}.max_streams, "no more streams than the limit");
    for (auto& [id, way] : ways_) go_on(id, way);
    produce();
  }
  void take(const Event& event) {
    if (event.kind == Event::Kind::failed || event.stream == 0) return;
    if (event.kind == Event::Kind::head) {
      http::RequestHead head;
      const auto refusal = read_request(*event.block, event.last, 8192, head);
      require(refusal.reason || !head.host.empty(), "a request that is taken has a host");
      session_.set_user(event.stream, this);
      ways_[event.stream] = static_cast<unsigned>(event.stream / 2 + head.path.size());
    }
    if (event.kind == Event::Kind::data) {
      require(!event.data.empty(), "data is not empty");
      if (ways_[event.stream] % 3) session_.consumed(event.stream, event.data.size());
    }
    if (event.kind == Event::Kind::reset) session_.forget(event.stream), ways_.erase(event.stream);
  }
  void go_on(StreamId id, unsigned& way) {
    FieldList list;
    write_reply({200, "", 0, 0}, "now", list);
    switch (way++ % 7) {
      case 0:
        return session_.send_head(id, list, true);
      case 1:
        session_.send_head(id, list, false);
        if (session_.unsent(id) == 0) session_.send_data(id, body_, way % 2);
        return;
      case 2:
        return session_.send_interim(id, list);
      case 3:
        if (session_.unsent(id) == 0) session_.send_trailers(id, list);
        return;
      case 4:
        if (way % 3 == 0) session_.reset(id, ErrorCode::internal_error);
        return;
      case 5:
        if (way % 2 == 0) session_.forget(id);
        return;
      default:
        if (session_.unsent(id) == 0) session_.send_data(id, body_, false);
    }
  }
  void produce() {
    Buffer out;
    session_.produce(out, 50000);
    check_frames(out.view());
    for (void* user : session_.drained()) require(!user || user == this, "who is drained was set");
  }

  Session session_{Role::server, {}};
  std::uint64_t now_ms_ = 1000;
  std::map<StreamId, unsigned> ways_;
  const std::string body_ = std::string(20000, 'b');
};

}  // namespace

void h2_session(std::string_view bytes) {
  using namespace http1::testing;
  const Log whole = listen(bytes, at_once), cut = listen(bytes, cut_of(bytes));
  // A budget is spent by frames and by what they do: which comes first depends on the cuts. Behind a GOAWAY
  // that leaves no stream nothing is read, unless it came along.
  const bool calmed =
      whole.failure == ErrorCode::enhance_your_calm || cut.failure == ErrorCode::enhance_your_calm;
  require(calmed || whole.gone || whole == cut, "what is told depends on how the bytes came");
  Answerer().run(bytes, cut_of(bytes));
}

}  // namespace sluice::fuzz
