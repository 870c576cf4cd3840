// What a change is judged by when no plan says it: checks before the first user, limits while it is watched.
// Parts of Cutover and RolloutStart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/fields.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

inline constexpr std::uint64_t kMostRequests = 1'000'000'000;  // that --min-requests can ask for

// Limits that the operator gave.
struct Limits {
  std::string max_error_rate, max_error_increase, max_saturation;  // "5%"; the increase is against stable
  std::optional<milliseconds> max_p50, max_p90, max_p95, max_p99;
  std::optional<milliseconds> max_p95_increase;  // against stable
  Strings exec, http;                            // hooks that have to agree
  bool any() const {
    return !max_error_rate.empty() || !max_error_increase.empty() || !max_saturation.empty() || max_p50 ||
           max_p90 || max_p95 || max_p99 || max_p95_increase || !exec.empty() || !http.empty();
  }
  static void fields(auto& self, auto& visit) {
    visit("max_error_rate", self.max_error_rate);
    visit("max_error_increase", self.max_error_increase);
    visit("max_saturation", self.max_saturation);
    visit("max_p50", self.max_p50);
    visit("max_p90", self.max_p90);
    visit("max_p95", self.max_p95);
    visit("max_p99", self.max_p99);
    visit("max_p95_increase", self.max_p95_increase);
    visit("exec", self.exec);
    visit("http", self.http);
  }
  // Several flags share a line of help.
  static void words(auto& self, auto& visit) {
    visit.text(
        "  --max-error-rate 5%    --max-error-increase 1% (against stable)   --max-saturation 90%\n"
        "  --max-p50 --max-p90 --max-p95 --max-p99 500ms   --max-p95-increase 50ms (against stable)\n"
        "  --exec CMD             a command that has to agree by exit 0   --http URL: by a status 2xx\n");
    visit.flag("--max-error-rate 5%", PercentText{self.max_error_rate}, "");
    visit.flag("--max-error-increase 1%", PercentText{self.max_error_increase}, "");
    visit.flag("--max-saturation 90%", PercentText{self.max_saturation}, "");
    visit.flag("--max-p50 500ms", self.max_p50, "");
    visit.flag("--max-p90 500ms", self.max_p90, "");
    visit.flag("--max-p95 500ms", self.max_p95, "");
    visit.flag("--max-p99 500ms", self.max_p99, "");
    visit.flag("--max-p95-increase 50ms", self.max_p95_increase, "");
    visit.flag("--exec CMD", self.exec, "");
    visit.flag("--http URL", self.http, "");
  }
};

// What has to pass before the new pool gets its first request.
struct Checks {
  Strings verify;       // "/health", "/ready=204", "/x=200-299": every ready backend must answer so
  Strings exec_before;  // commands that must agree by exit 0, each once for each service
  std::optional<milliseconds> exec_timeout;  // of each of them
  bool any() const { return !verify.empty() || !exec_before.empty(); }
  static void fields(auto& self, auto& visit) {
    visit("verify", self.verify);
    visit("exec_before", self.exec_before);
    visit("exec_timeout", self.exec_timeout);
  }
  static void words(auto& self, auto& visit) {
    visit.flag("--verify PATH[=STATUS]", self.verify,
               "every ready backend of the new pool must answer it before the first\n"
               "user does; 200-399 if no STATUS (204, 200-299) is given");
    visit.flag("--exec-before CMD", self.exec_before,
               "a command that has to agree by exit 0, likewise: run once for each\n"
               "service, told by SLUICE_SERVICE, _POOL, _BACKENDS and _ADDRESSES");
    visit.flag("--exec-timeout 60s", self.exec_timeout, "how long each command may take");
  }
};
// An empty command, or a time limit without a command. `has_hooks`: there are commands elsewhere, too.
std::optional<Problem> check(const Checks& checks, bool has_hooks);

}  // namespace sluice::protocol
