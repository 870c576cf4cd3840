// Gives memory back that a burst left in this worker's pools. Worker only.
#pragma once

#include <chrono>
#include <cstdint>

#include "proxy/net/timer_wheel.hpp"

namespace sluice::worker {

class Trimmer {
 public:
  // `let_go`: connections that have ended or been parked so far. What they were served with is free, and
  // worth a look when it is many.
  void tick(net::Clock::time_point now, std::uint64_t let_go);

 private:
  void look_at_frames(net::Clock::time_point now, std::uint64_t let_go);

  net::Clock::time_point next_{}, next_frames_{};
  std::chrono::seconds wait_{1};  // until the next look at frames: longer after one that found nothing
  std::uint64_t let_go_ = 0;      // at the last one
};

}  // namespace sluice::worker
