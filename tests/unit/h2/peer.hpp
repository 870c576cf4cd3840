// The other end of a session, made by hand: every frame can be said, also wrong ones, and every frame that
// comes is seen. It obeys no rule.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/h2/session.hpp"

namespace sluice::h2 {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Frame types and flags of RFC 9113 6.
enum : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
enum : std::uint8_t { kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8, kPriorityFlag = 32 };

struct SeenFrame {
  std::uint8_t type = 0, flags = 0;
  StreamId stream = 0;
  std::string payload;
  Pairs fields;  // of HEADERS, with its CONTINUATIONs

  bool ends() const { return (flags & kEndStream) != 0; }
  // The number at that byte of the payload.
  std::uint32_t number(std::size_t at = 0) const;
};

std::string frame(std::uint8_t type, std::uint8_t flags, StreamId stream, std::string_view payload);
std::string number(std::uint32_t value);  // four bytes

class Peer {
 public:
  Peer();
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  static std::string preface();  // with SETTINGS that say nothing
  std::string block(const Pairs& fields);
  std::string headers(StreamId stream, const Pairs& fields, bool end);
  static std::string data(StreamId stream, std::string_view bytes, bool end);
  static std::string reset(StreamId stream, ErrorCode code);
  static std::string window(StreamId stream, std::uint32_t bytes);
  static std::string settings(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& values);

  // What these bytes of the session's say, in whole frames.
  std::vector<SeenFrame> see(std::string_view bytes);

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

// A session, its peer, and what lies between them.
class Pair {
 public:
  explicit Pair(Role role = Role::server, const Limits& limits = {});

  // Receives; events are kept with copies of what they point to.
  struct Told {
    Event event;
    std::string data;
    Pairs fields;
  };
  std::vector<Told> say(std::string_view bytes);
  // What the session has to say now.
  std::vector<SeenFrame> produce(std::size_t most = 1 << 20);
  // Those of that type.
  std::vector<SeenFrame> produce(std::uint8_t type);

  Session session;
  Peer peer;
  std::uint64_t now_ms = 1000;
};

FieldList list_of(const Pairs& fields);
Pairs get(std::string_view path = "/");
Pairs post(std::string_view path = "/");

}  // namespace sluice::h2
