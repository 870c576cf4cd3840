// What an operator lays over a service's shares at run time: holding or refusing its requests (P1). Plain
// values, the same in the journaled state and in the snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::route {

// Requests are not served: they wait for the end of a pause, or are refused.
struct Hold {
  enum class Kind : std::uint8_t { paused, stopped } kind = Kind::paused;
  std::chrono::milliseconds max_hold{30'000};  // each request waits this long at most, then it gets 503
  std::uint32_t max_queue = 0;  // held at once, in the whole process; 0: the service's limits.queue
  std::string message;          // of stopped: the answer's text; empty: a general one
  bool operator==(const Hold&) const = default;
};

}  // namespace sluice::route
