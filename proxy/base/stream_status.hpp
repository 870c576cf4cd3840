// How a step on a client's stream or a backend's request ended, whatever protocol carries it.
#pragma once

#include <cstdint>

namespace sluice {

enum class StreamStatus : std::uint8_t {
  ok,
  ended,      // the other side has sent all it will send
  timed_out,  // nothing happened in time
  reset,      // the other side is lost
  canceled,   // by cancel()
};

}  // namespace sluice
