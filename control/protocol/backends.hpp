// The verbs about backends: drain, ready, maint, weight, add, remove, and the wait for one. See describe.hpp
// and words.hpp. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/describe.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

inline constexpr milliseconds kDrainTimeout{30'000};
inline constexpr std::uint32_t kMostWeight = 1000;

// How long a drain may take; nothing for 0, which is as long as it takes.
inline std::optional<milliseconds> drain_time(milliseconds timeout) {
  return timeout.count() == 0 ? std::nullopt : std::optional(timeout);
}

struct Drain {
  Target target;
  // What is left then is closed and counted (D3); 0: as long as it takes.
  milliseconds timeout = kDrainTimeout;
  bool wait = false;  // answer only when drained
  Websockets websockets;

  static constexpr Route kRoutes[] = {
      {"POST", "/v1/services/{service}/pools/{pool}/drain"},
      {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/drain"}};
  static constexpr Page kPage{
      "drain SERVICE/POOL[/BACKEND]",
      "No new request goes there; what is in flight finishes, up to the timeout.",
      "  sluicectl drain api/blue/127.0.0.1:9001 --wait\n  sluicectl drain api/blue --websockets "
      "paced:20/s --timeout 10m\n"};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto& self, auto& visit) {
    visit("timeout", self.timeout);
    visit("wait", self.wait);
    visit("websockets", self.websockets);
  }
  static void words(auto& self, auto& visit) {
    visit.word("TARGET", self.target, kTargets);
    visit.flag("--timeout 30s", self.timeout, "then what is left is closed; 0: never");
    visit.flag("--wait", self.wait, "return when drained; exit 8 if something had to be closed");
    visit.flag("--websockets POLICY", self.websockets,
               "wait, spread:60s (each at its own moment), paced:20/s or now");
    visit.dry_run();
    visit.force();
  }
  std::optional<milliseconds> extra_time() const { return wait ? drain_time(timeout) : milliseconds(0); }
};

struct Ready {
  Target target;

  static constexpr Route kRoutes[] = {
      {"POST", "/v1/services/{service}/pools/{pool}/ready"},
      {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/ready"}};
  static constexpr Page kPage{"ready SERVICE/POOL[/BACKEND]",
                              "Takes it into service again after drain or maint.",
                              "  sluicectl ready api/blue/127.0.0.1:9001\n"};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto&, auto&) {}
  static void words(auto& self, auto& visit) {
    visit.word("TARGET", self.target, kTargets);
    visit.dry_run();
  }
};

struct Maint {
  Target target;

  static constexpr Route kRoutes[] = {
      {"POST", "/v1/services/{service}/pools/{pool}/maint"},
      {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/maint"}};
  static constexpr Page kPage{"maint SERVICE/POOL[/BACKEND]",
                              "Takes it out of service: no new request, and no drain deadline.",
                              "  sluicectl maint api/blue/127.0.0.1:9001\n"};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto&, auto&) {}
  static void words(auto& self, auto& visit) {
    visit.word("TARGET", self.target, kTargets);
    visit.dry_run();
    visit.force();
  }
};

// {"weight":2}
struct Weight {
  Target target;
  std::optional<std::uint32_t> weight;  // required; 0 to 1000

  static constexpr Route kRoutes[] = {{"PATCH", "/v1/services/{service}/pools/{pool}/backends/{backend}"}};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto& self, auto& visit) { visit("weight", self.weight); }
};
std::optional<Problem> check(const Weight& weight);

// {"address":"127.0.0.1:9003","weight":1}
struct Add {
  Target target;        // backend: the name
  std::string address;  // empty: the name is the address, or that of a backend that was removed before
  std::uint32_t weight = 1;
  std::optional<milliseconds> wait_healthy;  // answer only when it is up, or this long has passed

  static constexpr Route kRoutes[] = {
      {"PUT", "/v1/services/{service}/pools/{pool}/backends/{backend}", Role::admin}};
  static constexpr Page kPage{"add SERVICE/POOL ADDRESS", "Adds a backend to a pool.",
                              "  sluicectl add api/green 127.0.0.1:9103 --wait-healthy 30s\n"};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void fields(auto& self, auto& visit) {
    visit("address", self.address);
    visit("weight", self.weight);
    visit("wait_healthy", self.wait_healthy);
  }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE/POOL", OnlyPool{self.target}, kPools);
    visit.word("ADDRESS", OriginText{self.address}, kNothing);
    visit.flag("--name N", self.target.backend, "its name; the address if not given");
    visit.flag("--weight W", at_most(self.weight, kMostWeight), "0 to 1000, default 1");
    visit.flag("--wait-healthy 30s", self.wait_healthy, "return when it is up; exit 7 if it is not by then");
    visit.dry_run();
  }
  std::optional<milliseconds> extra_time() const { return wait_healthy.value_or(milliseconds(0)); }
};
std::optional<Problem> check(const Add& add);

// Drains a backend, then takes it out.
struct Remove {
  Target target;
  milliseconds timeout = kDrainTimeout;
  Websockets websockets;

  static constexpr Route kRoutes[] = {
      {"DELETE", "/v1/services/{service}/pools/{pool}/backends/{backend}", Role::admin}};
  static void names(auto& self, auto& visit) { Target::names(self.target, visit); }
  static void query(auto& self, auto& visit) {
    visit("timeout", self.timeout);
    visit("websockets", self.websockets);
  }
  static void fields(auto&, auto&) {}
  std::optional<milliseconds> extra_time() const { return drain_time(timeout); }
};

// Changes nothing: the answer comes when the target is as it is wanted.
struct Wait {
  using Condition = protocol::Condition;
  Condition condition = Condition::healthy;
  Target target;
  std::optional<milliseconds> timeout;  // absent: as long as it takes

  static constexpr Route kRoutes[] = {reads("GET", "/v1/wait")};
  static constexpr Page kPage{"wait healthy|drained TARGET",
                              "Blocks until every backend of the target is so. Exit 7 when the time is over.",
                              "  sluicectl wait healthy api/green --timeout 1m\n"};
  static void query(auto& self, auto& visit) {
    visit("for", self.condition);
    visit("target", self.target);
    visit("timeout", self.timeout);
  }
  static void words(auto& self, auto& visit) {
    visit.word("CONDITION", self.condition, choices("healthy drained"));
    visit.word("TARGET", self.target, kTargets);
    visit.flag("--timeout 30s", self.timeout, "how long; without it as long as it takes");
  }
};

}  // namespace sluice::protocol
