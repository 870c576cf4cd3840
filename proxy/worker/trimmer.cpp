#include "proxy/worker/trimmer.hpp"

#include <malloc.h>

#include <algorithm>

#include "proxy/base/buffer.hpp"
#include "proxy/base/frames.hpp"

namespace sluice::worker {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t kMany = 64;  // connections
constexpr auto kLongest = 16s;       // between two looks at frames
}  // namespace

void Trimmer::tick(net::Clock::time_point now, std::uint64_t let_go) {
  if (now < next_) return;
  next_ = now + 1s;
  trim_buffers();
  if (now >= next_frames_ && let_go - let_go_ >= kMany) look_at_frames(now, let_go);
}

// A burst of 10,000 connections: 2 ms. What malloc has back in the midst of its heap goes to the system, too.
void Trimmer::look_at_frames(net::Clock::time_point now, std::uint64_t let_go) {
  wait_ = trim_frames() > 0 ? 1s : std::min(2 * wait_, std::chrono::seconds(kLongest));
  ::malloc_trim(0);
  next_frames_ = now + wait_;
  let_go_ = let_go;
}

}  // namespace sluice::worker
