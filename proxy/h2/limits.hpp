// What one connection may ask of this side, at most. Pure.
#pragma once

#include <cstdint>

namespace sluice::h2 {

struct Limits {
  std::uint32_t max_streams = 100;                // at once; above it REFUSED_STREAM
  std::uint32_t stream_window = 64 * 1024;        // bytes of a stream that may wait here
  std::uint32_t connection_window = 1024 * 1024;  // of all streams together
  std::uint32_t max_header_list = 32 * 1024;      // a decoded block as RFC 9113 6.5.2 counts it; above it 431
  std::uint32_t max_fields = 100;                 // of a block; above it 431
  // Bytes of blocks of all streams of a client's; above it 431, too. A backend's blocks are as many as were
  // asked for.
  std::uint32_t held_fields = 512 * 1024;
  std::uint32_t glitches = 1000;           // points of the glitch budget (glitches.hpp)
  std::uint32_t glitches_per_second = 33;  // that come back
  // The highest id of a stream that this side opens: ids must not run out under a request.
  std::uint32_t last_request = 1u << 30;
};

}  // namespace sluice::h2
