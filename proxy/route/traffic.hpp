// What an operator asks of a service beside its shares: to hold or refuse its requests (P1), flags (F1), a
// mirror (M1). Plain values, the same in the journaled state and in the snapshot; and which users are chosen
// by them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/values.hpp"

namespace sluice::route {

// Requests are not served: they wait for the end of a pause, or are refused.
struct Hold {
  enum class Kind : std::uint8_t { paused, stopped } kind = Kind::paused;
  std::chrono::milliseconds max_hold{30'000};  // each request waits this long at most, then it gets 503
  std::uint32_t max_queue = 0;  // held at once, in the whole process; 0: the service's limits.queue
  std::string message;          // of stopped: the answer's text; empty: a general one
  bool operator==(const Hold&) const = default;
};

// A feature that a share of the users has.
struct Flag {
  std::string name;
  Share share = 0;
  std::string config;  // JSON that the applications may read from the API; empty: none
  bool operator==(const Flag&) const = default;
};

// A share of the requests is sent to `pool` as well, and what it answers is thrown away.
struct Mirror {
  std::string pool;
  Share share = 0;
  bool safe_only = false;  // only GET, HEAD, OPTIONS and TRACE
  bool operator==(const Mirror&) const = default;
};

// F1: whether the user of `key` has the flag. A pure function of name and key: raising the share keeps those
// who were in, in every service alike. A request without a key has no user to remember: only 100 % is on.
bool is_on(const Flag& flag, std::string_view key);

// "a=on,b=off", what X-Feature-Flags says, appended to `out`.
void append_flags(std::string& out, std::span<const Flag> flags, std::string_view key);

// M1, S7: by the key, so that a user's requests are all mirrored or none; without one by `random`.
bool is_mirrored(Share share, std::string_view salt, std::string_view key, std::uint64_t random);

}  // namespace sluice::route
