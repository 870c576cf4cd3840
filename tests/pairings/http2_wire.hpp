// HTTP/2 of a model client or backend, by our own sessions; what a session would not say is said in raw
// frames.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "calls.hpp"
#include "proxy/h2/session.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "support/peer.hpp"

namespace sluice::pairings {

class Http2Wire {
 public:
  Http2Wire(h2::Role role, int fd, const h2::Limits& limits) : session(role, limits), peer_(fd) {}

  template <class Take>
  void hear(Take take) {
    peer_.poll();
    in_ += std::exchange(peer_.got, {});
    for (const h2::Event& event : session.receive(whole_frames(), now_ms())) take(event);
  }
  void tell() {
    Buffer out;
    for (bool more = true; more && peer_.sent_all();) {
      more = session.produce(out, 16'384);
      if (out.empty()) return;
      peer_.send(out.view());
      out.clear();
      greeted_ = true;
    }
  }
  void raw(int type, h2::StreamId stream, std::string_view payload) {
    std::string frame(9, '\0');
    frame[2] = static_cast<char>(payload.size());
    frame[3] = static_cast<char>(type);
    put_number(frame, 5, static_cast<std::uint32_t>(stream));
    peer_.send(frame + std::string(payload));
  }
  // Of streams, from now on; the session does not know.
  void set_window(std::uint32_t size) {
    if (!greeted_) return;
    std::string payload("\0\4\0\0\0\0", 6);
    put_number(payload, 2, size);
    raw(4, 0, payload);
    ++raw_settings_;
  }
  void go_away(h2::StreamId last) {
    std::string payload(8, '\0');
    put_number(payload, 0, static_cast<std::uint32_t>(last));
    raw(7, 0, payload);
  }
  Peer& peer() { return peer_; }
  bool greeted() const { return greeted_; }

  h2::Session session;
  h2::FieldList list;  // of whoever says something

 private:
  static std::uint64_t now_ms() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now().time_since_epoch()).count());
  }
  static void put_number(std::string& to, std::size_t at, std::uint32_t number) {
    for (int i = 0; i < 4; ++i)
      to[at + static_cast<std::size_t>(i)] = static_cast<char>(number >> (24 - 8 * i));
  }
  // Without the acknowledgements of what the session did not say.
  std::string_view whole_frames() {
    taken_.clear();
    const auto byte = [this](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(in_[at]));
    };
    std::size_t at = 0;
    if (in_.starts_with("PRI ") && in_.size() >= 24) taken_ = in_.substr(0, at = 24);
    while (in_.size() >= at + 9) {
      const std::size_t size = 9 + (byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2));
      if (in_.size() < at + size) break;
      const bool is_ack = in_[at + 3] == 4 && in_[at + 4] == 1;
      const bool is_raw = is_ack && acknowledged_ && raw_settings_ > 0;
      if (is_raw)
        --raw_settings_;
      else
        taken_.append(in_, at, size);
      acknowledged_ = acknowledged_ || is_ack;
      at += size;
    }
    in_.erase(0, at);
    return taken_;
  }

  Peer peer_;
  std::string in_, taken_;
  bool greeted_ = false, acknowledged_ = false;
  int raw_settings_ = 0;
};

// Credit that is given back in its own time; now and then a stream gets none for long.
class Debts {
 public:
  void add(h2::StreamId stream, std::size_t bytes) { owed_[stream].bytes += bytes; }
  void forget(h2::StreamId stream) { owed_.erase(stream); }
  void pay(h2::Session& session, Chance& chance) {
    for (auto& [stream, debt] : owed_) {
      if (debt.stalls > 0) {
        --debt.stalls;
      } else if (chance.one_in(60)) {
        debt.stalls = 80;
      } else if (debt.bytes > 0 && !chance.one_in(3)) {
        session.consumed(stream, std::exchange(debt.bytes, 0));
      }
    }
  }

 private:
  struct Debt {
    std::size_t bytes = 0;
    int stalls = 0;
  };
  std::map<h2::StreamId, Debt> owed_;
};

inline std::string field(const h2::FieldBlock& block, std::string_view name) {
  for (std::size_t i = 0; i < block.size(); ++i)
    if (block[i].name == name) return std::string(block[i].value);
  return {};
}

inline h2::Limits random_limits(Chance& chance) {
  h2::Limits limits;
  constexpr std::uint32_t kWindows[] = {4'000, 16 * 1024, 64 * 1024, 1024 * 1024};
  limits.stream_window = kWindows[chance.below(std::size(kWindows))];
  limits.max_streams = static_cast<std::uint32_t>(1 + chance.below(20));
  return limits;
}

// A window that shrinks and is what it was again.
class Windows {
 public:
  explicit Windows(std::uint32_t size) : size_(size) {}
  void move(Http2Wire& wire, Chance& chance) {
    if (!chance.one_in(is_small_ ? 4 : 40) || !wire.greeted()) return;
    is_small_ = !is_small_;
    wire.set_window(is_small_ ? static_cast<std::uint32_t>(chance.below(size_)) : size_);
  }

 private:
  std::uint32_t size_;
  bool is_small_ = false;
};

}  // namespace sluice::pairings
