// The messages of what an operator lays over a service's shares: pause, resume, stop. See messages.hpp.
#pragma once

#include <optional>
#include <string>

#include "control/protocol/fields.hpp"

namespace sluice::protocol {

inline constexpr milliseconds kMaxHold{30'000};
inline constexpr milliseconds kQuietTimeout{30'000};

// POST /v1/services/S/pause
struct Pause {
  std::string service;
  milliseconds max_hold = kMaxHold;      // of each request; then it gets 503
  std::uint32_t max_queue = 0;           // held at once; 0: the service's limits.queue
  bool wait = false;                     // answer only when nothing is in flight any more
  milliseconds timeout = kQuietTimeout;  // of that wait; 0: as long as it takes
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("max_hold", self.max_hold);
    visit("max_queue", self.max_queue);
    visit("wait", self.wait);
    visit("timeout", self.timeout);
  }
};

// POST /v1/services/S/resume
struct Resume {
  std::string service;
  std::uint32_t rate = 0;  // held requests let go a second; 0: all at once
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("rate", self.rate);
  }
};

// POST /v1/services/S/stop
struct Stop {
  std::string service;
  std::string message;  // the answer's text; empty: a general one
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("message", self.message);
  }
};

}  // namespace sluice::protocol
