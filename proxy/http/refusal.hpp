// Why a message is not taken. Pure.
#pragma once

namespace sluice::http {

// The status to answer (a bad answer from a backend is 502 whatever stands here) and the word for
// X-Sluice-Error. `reason` is a literal; null when nothing was refused.
struct Refusal {
  int status = 0;
  const char* reason = nullptr;
};

constexpr Refusal kMalformed{400, "malformed"};
constexpr Refusal kTargetTooLong{414, "target"};
constexpr Refusal kExpectation{417, "expect"};
constexpr Refusal kFieldsTooLarge{431, "headers"};
constexpr Refusal kMethodUnknown{501, "method"};

}  // namespace sluice::http
