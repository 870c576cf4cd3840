// What is asked and answered in a simulation, byte by byte, and what became of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <string_view>

namespace sluice::pairings {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::size_t body() {
    constexpr std::size_t kMost[] = {1, 2, 100, 20'000, 100'000, 400'000};
    return below(kMost[below(std::size(kMost))]);
  }
  std::size_t piece() { return 1 + below(one_in(5) ? 10 : 16'000); }

 private:
  std::mt19937_64 engine_;
};

// The byte at that place of a body: no two bodies are alike, nor two places near each other.
inline char byte_at(std::uint64_t body, std::size_t at) {
  return static_cast<char>(body * 131 + at * 7 + (at >> 8) * 31 + (at >> 16) * 17);
}
inline std::string bytes_of(std::uint64_t body, std::size_t from, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = byte_at(body, from + i);
  return bytes;
}

// What came of a body.
struct Heard {
  std::uint64_t body = 0;
  std::size_t count = 0;
  bool sound = true;
  void hear(std::string_view bytes) {
    for (const char byte : bytes) sound = byte == byte_at(body, count++) && sound;
  }
};

// One request. A client that is told that nothing was done about it asks once more.
struct Call {
  enum class End : std::uint8_t {
    none,
    whole,  // an answer to its end: a backend's, or the proxy's own
    cut,    // the answer, or the wait for it, was broken off: a reset, or the end of the connection
    left,   // by the client
  };

  int id = 0;
  std::string method;
  std::size_t asks = 0, answer = 0;  // bytes of the bodies

  // As its client sees it.
  End end = End::none;
  int status = 0;
  bool is_backends = false;  // the answer
  std::string error;         // why the answer is the proxy's own
  Heard heard;
  // As the backends see it.
  int heads = 0;      // that came
  int processed = 0;  // of these, those of which no backend said that it did nothing
  bool asked_soundly = true;
  std::size_t sent = 0;  // of the last answer

  std::uint64_t request_body() const { return static_cast<std::uint64_t>(id) * 1'000; }
  std::uint64_t answer_body(int attempt) const {
    return request_body() + static_cast<std::uint64_t>(attempt);
  }
  bool is_idempotent() const { return method != "POST"; }
};

class Calls {
 public:
  Call& add() { return calls_.emplace_back(); }
  Call& of(std::string_view id) { return calls_.at(std::stoul(std::string(id))); }
  bool over() const {
    for (const Call& call : calls_)
      if (call.end == Call::End::none) return false;
    return true;
  }
  auto begin() { return calls_.begin(); }
  auto end() { return calls_.end(); }
  std::size_t size() const { return calls_.size(); }

 private:
  std::deque<Call> calls_;
};

// How a backend treats a request.
enum class Way : std::uint8_t {
  answer,
  early,    // before the request has come whole
  never,    // no answer
  reset,    // the stream, or the connection
  cut,      // likewise, within the answer
  garbage,  // bytes that are no answer
  refuse,   // HTTP/2: nothing was done about it
  leave,    // likewise, by GOAWAY
};

inline Way choose_way(Chance& chance, bool kind, bool http2, const Call& call) {
  const bool can_refuse = http2 && call.heads <= 2;
  if (kind)  // what came without a body is kept, and may be sent again
    return can_refuse && call.asks == 0 && chance.one_in(5) ? chance.one_in(2) ? Way::refuse : Way::leave
                                                            : Way::answer;
  if (!chance.one_in(3)) return Way::answer;
  const auto way = static_cast<Way>(chance.below(8));
  return way < Way::refuse || can_refuse ? way : Way::answer;
}

// A backend's part in a call.
struct Served {
  Call* call = nullptr;
  int attempt = 0;
  Way way = Way::answer;
  Heard heard;
  bool asked_whole = false, has_head = false, ended = false;
  std::size_t sent = 0;
  std::string piece;  // lasts until it is sent

  bool may_answer() const {
    return way != Way::never && (asked_whole || way == Way::early || way == Way::reset || way == Way::cut);
  }
  // Where the answer breaks off.
  std::size_t most() const { return way == Way::cut ? call->answer / 2 : call->answer; }
  // The next piece; `last` is set with the last one.
  std::string_view next(Chance& chance, bool& last) {
    const std::size_t at_once = call->answer > 1'000'000 ? 100'000 : chance.piece();
    const std::size_t size = std::min(at_once, most() - sent);
    piece = bytes_of(call->answer_body(attempt), sent, size);
    sent += size;
    call->sent = sent;
    last = sent == most();
    return piece;
  }
};

inline Served serve(Call& call, Way way) {
  Served served;
  served.call = &call;
  served.attempt = ++call.heads;
  served.way = way;
  served.heard.body = call.request_body();
  if (way != Way::refuse && way != Way::leave) ++call.processed;
  return served;
}

// The whole request has come, and only then all of it may have.
inline void check_asked(const Served& served, bool whole) {
  const bool sound = served.heard.sound && served.heard.count <= served.call->asks;
  if (!sound || (whole && served.heard.count != served.call->asks)) served.call->asked_soundly = false;
}

// Does something in each round, in its own time.
class Actor {
 public:
  Actor(Chance& chance, bool kind) : chance_(chance), kind_(kind) {}
  virtual ~Actor() = default;
  void act() {
    if (naps_ > 0) {
      --naps_;
      return;
    }
    if (chance_.one_in(10)) naps_ = chance_.below(12);
    if (chance_.one_in(200)) naps_ = 100;
    move();
  }
  // Its peer broke the rules of HTTP/2.
  virtual bool was_wronged() const { return false; }

 protected:
  virtual void move() = 0;
  // Something bad may be done now.
  bool is_ill(std::size_t one_in) { return !kind_ && chance_.one_in(one_in); }

  Chance& chance_;
  const bool kind_;  // does nothing that could cost a request

 private:
  std::size_t naps_ = 0;
};

}  // namespace sluice::pairings
