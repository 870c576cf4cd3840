// What a target's answer means, as the rules of control/notify/NOTICES.md say. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/io/http_client.hpp"

namespace sluice::notify {

enum class Outcome : std::uint8_t {
  delivered,  // 2xx
  later,      // nobody answers, 408, 429 and 5xx
  refused,    // all else: the same again would be refused again
};

struct Attempt {
  Outcome outcome = Outcome::later;
  int status = 0;                            // 0: nobody answered
  std::string text;                          // "status 404: no_service", "connect: Connection refused"
  std::optional<std::chrono::seconds> wait;  // Retry-After
};

// `url` is the one that was asked: nothing of its path is said, also when the answer says it. `now`: seconds
// since 1970.
Attempt judged(const io::HttpAnswer& answer, std::string_view url, std::int64_t now);

}  // namespace sluice::notify
