// When a certificate is ordered: at two thirds of its life or when the server says (ARI, RFC 9773), and again
// after a failure, later and later, but the sooner the nearer the end is. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::acme {

using UnixMilliseconds = std::int64_t;  // since 1970
using std::chrono::milliseconds;

// RFC 9773 4.2.
struct RenewalWindow {
  UnixMilliseconds start = 0, end = 0;
};

// A failure in which the server never said a word about the order costs it nothing: it is tried again sooner.
enum class FailureKind : std::uint8_t { unreachable, refused };

struct Situation {
  std::optional<RenewalWindow> life;    // of the certificate that is there; nothing: there is none
  UnixMilliseconds issued = 0;          // when it came
  bool is_another = false;              // it is not what the configuration asks for
  std::optional<RenewalWindow> window;  // as the server suggests
  std::uint32_t failures = 0;           // in a row, since the last certificate came
  FailureKind kind = FailureKind::unreachable;
  UnixMilliseconds failed = 0;      // the last of them
  UnixMilliseconds not_before = 0;  // Retry-After of the last of them
  bool hurried = false;             // an operator has mended something: now, unless the server wants patience
};

// Not before `now` unless it is due. `draw`: at random from 0 to 1, drawn once for each certificate or
// failure.
UnixMilliseconds next_order(const Situation& situation, UnixMilliseconds now, double draw);

// How long after a failure the next try is, without chance.
milliseconds backoff(const Situation& situation);

}  // namespace sluice::acme
