// The verbs about a service's traffic beside its shares: pause, resume, stop, flags, mirror, preview tokens.
// See describe.hpp and words.hpp. Pure.
#pragma once

#include <optional>
#include <string>

#include "control/protocol/answer.hpp"
#include "control/protocol/describe.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

inline constexpr milliseconds kMaxHold{30'000};
inline constexpr milliseconds kQuietTimeout{30'000};

// Holds requests until `resume`.
struct Pause {
  std::string service;
  milliseconds max_hold = kMaxHold;      // of each request; then it gets 503
  std::uint32_t max_queue = 0;           // held at once; 0: the service's limits.queue
  bool wait = false;                     // answer only when nothing is in flight any more
  milliseconds timeout = kQuietTimeout;  // of that wait; 0: as long as it takes

  static constexpr Route kRoutes[] = {{"POST", "/v1/services/{service}/pause"}};
  static constexpr Page kPage{
      "pause SERVICE",
      "Holds its requests, in order, until resume; each for a time at most, then it gets 503.",
      "  sluicectl pause api --wait\n"};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void fields(auto& self, auto& visit) {
    visit("max_hold", self.max_hold);
    visit("max_queue", self.max_queue);
    visit("wait", self.wait);
    visit("timeout", self.timeout);
  }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.service, kServices);
    visit.flag("--max-hold 30s", self.max_hold, "how long each request is held");
    visit.flag("--max-queue N", at_most(self.max_queue, 1'000'000),
               "how many are held at once; limits.queue if not given");
    visit.flag("--wait", self.wait, "return when nothing is in flight: a short migration may run then");
    visit.flag("--timeout 30s", self.timeout,
               "of --wait; exit 7 if something is in flight even then, the pause goes on");
    visit.dry_run();
  }
  std::optional<milliseconds> extra_time() const {
    if (!wait) return milliseconds(0);
    return timeout.count() > 0 ? std::optional(timeout) : std::nullopt;
  }
};

// Ends a pause or a stop.
struct Resume {
  std::string service;
  std::uint32_t rate = 0;  // held requests let go a second; 0: all at once

  static constexpr Route kRoutes[] = {{"POST", "/v1/services/{service}/resume"}};
  static constexpr Page kPage{"resume SERVICE",
                              "Ends a pause or a stop; held requests go where they would go now.",
                              "  sluicectl resume api --rate 200\n"};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void fields(auto& self, auto& visit) { visit("rate", self.rate); }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.service, kServices);
    visit.flag("--rate R", PerSecond{self.rate, 1'000'000},
               "let the held ones go R a second; all at once if not given");
    visit.dry_run();
  }
};

// Refuses requests until `resume`.
struct Stop {
  std::string service;
  std::string message;  // the answer's text; empty: a general one

  static constexpr Route kRoutes[] = {{"POST", "/v1/services/{service}/stop"}};
  static constexpr Page kPage{"stop SERVICE", "Refuses its requests with 503 until resume.",
                              "  sluicectl stop api --message 'Back at 14:00 UTC'\n"};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void fields(auto& self, auto& visit) { visit("message", self.message); }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.service, kServices);
    visit.flag("--message M", self.message, "the answer's text");
    visit.dry_run();
  }
};

// Those that are wholly described here: sluicectl takes them from this list.
using TrafficVerbs = List<Pause, Resume, Stop>;

// {"service":"api","enabled_for":"10%","config":{...}}
struct SetFlag {
  std::string flag;
  std::string service;  // empty: the only one there is, or the only one that has the flag
  Share share = 0;
  std::optional<std::string> config;  // JSON; absent: what the flag has stays; empty: none

  static constexpr Route kRoutes[] = {{"PUT", "/v1/flags/{flag}"}};
  static void names(auto& self, auto& visit) { visit("flag", self.flag); }
  std::string subject() const { return "flag " + flag; }
};
boost::json::object to_json(const SetFlag& flag);
std::optional<Problem> read(const boost::json::value& body, SetFlag& flag);

struct RemoveFlag {
  std::string flag;
  std::string service;  // empty: of every service that has it

  static constexpr Route kRoutes[] = {{"DELETE", "/v1/flags/{flag}"}};
  static void names(auto& self, auto& visit) { visit("flag", self.flag); }
  static void query(auto& self, auto& visit) { visit("service", self.service); }
  std::string subject() const { return "flag " + flag; }
};

struct ListFlags {
  static constexpr Route kRoutes[] = {reads("GET", "/v1/flags")};
};

struct GetFlag {
  std::string flag;

  static constexpr Route kRoutes[] = {reads("GET", "/v1/flags/{flag}")};
  static void names(auto& self, auto& visit) { visit("flag", self.flag); }
};

// {"to":"green","share":"10%","safe_only":false}
struct SetMirror {
  std::string service;
  std::string to;  // empty: off
  Share share = 0;
  bool safe_only = false;

  static constexpr Route kRoutes[] = {{"PUT", "/v1/services/{service}/mirror"}};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
};
boost::json::object to_json(const SetMirror& mirror);
std::optional<Problem> read(const boost::json::value& body, SetMirror& mirror);

struct ClearMirror {
  std::string service;

  static constexpr Route kRoutes[] = {{"DELETE", "/v1/services/{service}/mirror"}};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
};

inline constexpr milliseconds kPreviewTtl = std::chrono::hours(2);
inline constexpr milliseconds kLongestPreview = std::chrono::hours(24 * 30);

// {"ttl":"2h"}
struct MintPreview {
  Target target;
  milliseconds ttl = kPreviewTtl;

  static constexpr Route kRoutes[] = {
      {"POST", "/v1/services/{service}/pools/{pool}/preview", Role::operate, "reason"}};
  static constexpr Page kPage{
      "preview SERVICE/POOL [--ttl 2h]",
      "Mints a signed token: requests that carry it go to that pool, and no gate counts them.",
      "  sluicectl preview api/green --ttl 30m\n"};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto& self, auto& visit) { visit("ttl", self.ttl); }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE/POOL", OnlyPool{self.target}, kPools);
    visit.flag("--ttl 2h", self.ttl, "how long it counts, up to 720h");
  }
};
struct PreviewToken {
  Target target;
  std::string token;
  std::string expires;         // "2025-01-31T12:00:00Z"
  std::string header, cookie;  // by which a request carries the token; they follow from it

  static void fields(auto& self, auto& visit) {
    visit("service", self.target.service);
    visit("pool", self.target.pool);
    visit("token", self.token);
    visit("expires", self.expires);
    visit("header", self.header);
    visit("cookie", self.cookie);
  }
};
boost::json::object to_json(const PreviewToken& token);

}  // namespace sluice::protocol
