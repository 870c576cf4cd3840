// The messages of what an operator lays over a service's shares: pause, resume, stop,
// flags, mirror; and preview tokens. See messages.hpp.
#pragma once

#include <optional>
#include <string>

#include "control/protocol/fields.hpp"
#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

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

// PUT /v1/flags/F {"service":"api","enabled_for":"10%","config":{...}}
struct SetFlag {
  std::string flag;
  std::string service;  // empty: the only one there is, or the only one that has the flag
  Share share = 0;
  std::optional<std::string> config;  // JSON; absent: what the flag has stays; empty: none
};
boost::json::object to_json(const SetFlag& flag);
std::optional<Problem> read(const boost::json::value& body, SetFlag& flag);

// DELETE /v1/flags/F[?service=S]
struct RemoveFlag {
  std::string flag;
  std::string service;  // empty: of every service that has it
};

// PUT /v1/services/S/mirror {"to":"green","share":"10%","safe_only":false}, or DELETE
struct SetMirror {
  std::string service;
  std::string to;  // empty: off
  Share share = 0;
  bool safe_only = false;
};
boost::json::object to_json(const SetMirror& mirror);
std::optional<Problem> read(const boost::json::value& body, SetMirror& mirror);

inline constexpr milliseconds kPreviewTtl = std::chrono::hours(2);
inline constexpr milliseconds kLongestPreview = std::chrono::hours(24 * 30);

// POST /v1/services/S/pools/P/preview {"ttl":"2h"}
struct MintPreview {
  Target target;
  milliseconds ttl = kPreviewTtl;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("ttl", self.ttl);
  }
};
struct PreviewToken {
  Target target;
  std::string token;
  std::string expires;  // "2025-01-31T12:00:00Z"
};
boost::json::object to_json(const PreviewToken& token);

}  // namespace sluice::protocol
