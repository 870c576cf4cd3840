// A session in the server's role, and its client in the hands of a test.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "unit/h2/peer.hpp"

namespace sluice::h2 {

using Kind = Event::Kind;

inline std::vector<Kind> kinds(const std::vector<Pair::Told>& told) {
  std::vector<Kind> all;
  for (const auto& one : told) all.push_back(one.event.kind);
  return all;
}

// A pair that has said its prefaces.
struct Server : Pair {
  explicit Server(const Limits& limits = {}) : Pair(Role::server, limits) {
    say(Peer::preface() + frame(kSettings, kAck, 0, ""));
    produce();
  }
  std::vector<Told> ask(StreamId id, const Pairs& fields, bool end) {
    return say(peer.headers(id, fields, end));
  }
  // Frames of streams only.
  std::vector<SeenFrame> answers() {
    auto frames = produce();
    std::erase_if(frames, [](const SeenFrame& seen) { return seen.stream == 0; });
    return frames;
  }
};

inline const Pairs kAnswered = {{":status", "200"}};

}  // namespace sluice::h2
