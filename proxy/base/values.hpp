// The values an operator writes, in the configuration, on the command line and in JSON: durations, shares,
// sizes, addresses. Pure functions; a refusal is a ValueError, never an exception.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// A share of a service's requests in units of 1/100,000 (0.001 %).
using Share = std::uint32_t;
inline constexpr Share kWhole = 100'000;

struct Address {
  std::string host;  // a name or an IP literal without brackets
  std::uint16_t port = 0;
  std::string text;  // as written, "127.0.0.1:9001", "[::1]:80"

  bool operator==(const Address&) const = default;
};

// Why a text is no such value, as one clause without a full stop: "'30 sec' is not a duration, write ...".
struct ValueError {
  std::string what;
  std::string suggestion;  // the value that was probably meant; empty when there is none

  std::string text() const;  // with the suggestion: "..., did you mean '30s'?"
};

template <class T>
using Parsed = boost::system::result<T, ValueError>;

inline constexpr std::chrono::milliseconds kLongestDuration = std::chrono::hours(24 * 365);

// "250ms", "30s", "1.5m", "1h", "30d", "0"; at most kLongestDuration.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

// "5%", "0.125%", "100 %"; at most 100 %, no finer than 0.001 %.
Parsed<Share> parse_share(std::string_view text);

// The share that JSON writes as a number from 0 to 1; no finer than 0.001 %.
Parsed<Share> share_from_fraction(double fraction);

// In bytes: "512", "64KiB", "1.5MiB", "1GiB".
Parsed<std::uint64_t> parse_size(std::string_view text);

// "HOST:PORT" with a name, an IPv4 address or an IPv6 address in brackets. `lowest_port` is 0 where the
// kernel may choose.
Parsed<Address> parse_address(std::string_view text, std::uint16_t lowest_port = 1);

// One spelling for each address: "[::0]:80" and "[::]:80" are the same, "Web:80" and "web:80", too.
std::string canonical(const Address& address);

// Both are read back by the parser to the same value: "5%", "0.125%"; "250ms", "90s", "1h".
std::string format_share(Share share);
std::string format_duration(std::chrono::milliseconds duration);

// A duration for people, cut to what they read of it: "350ms", "1.25s", "12.5s", "59m 58s", "1h 2m", "2d 3h".
// What a machine reads back is format_duration().
std::string duration_text(std::chrono::milliseconds duration);

// A time for people and for logs: RFC 3339 in UTC with milliseconds, "2026-11-27T14:02:11.123Z".
std::string time_text(std::int64_t unix_milliseconds);
std::string time_text(std::chrono::system_clock::time_point time);

// `text` in single quotes, for messages: control characters as '?', cut when it is long. An object, so that
// argument-dependent lookup of a std::string does not prefer std::quoted() where <iomanip> is included.
struct Quoted {
  std::string operator()(std::string_view text) const;
};
inline constexpr Quoted quoted;

}  // namespace sluice
