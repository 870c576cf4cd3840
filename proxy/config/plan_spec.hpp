// A rollout's plan, as configured; loaded and checked here, carried out by control/rollout. Plain structs;
// every default and every key stands here once (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/values.hpp"
#include "proxy/config/kinds.hpp"

namespace sluice::config {

using sluice::kWhole;
using sluice::Share;

// What it takes to ask a URL beside the URL itself. The files are read anew for every request.
struct ReachSpec {
  std::string ca;                   // PEM, of https; empty: the system's
  std::string user, password_file;  // Basic; both or none
  std::string bearer_file;          // Bearer; not with the two above
  bool operator==(const ReachSpec&) const = default;
  static void fields(auto& self, auto& visit) {  // of `basic_auth`; the others are keys of the gate
    visit("user", self.user, Text{user_error}, kRequired);
    visit("password_file", self.password_file, FileName{}, kRequired);
  }
};

struct GateSpec {
  static constexpr std::string_view kMetrics[] = {"error_rate", "p50",        "p90",           "p95",
                                                  "p99",        "saturation", "rollback_ready"};
  static constexpr Word<bool> kAgainst[] = {{"stable", true}};
  static constexpr std::string_view kOnEmpty[] = {"hold", "fail"};

  std::string name;    // of an external gate; empty: "query 2", or its command or URL
  std::string metric;  // one of kMetrics; empty for prometheus, exec, http
  bool against_stable = false;
  std::optional<double> max, warn, max_increase;  // rates as fractions, latencies in seconds
  std::string prometheus, query, on_empty = "hold";
  milliseconds min_age = 5s;  // of the step, before a query's answer counts (G9); {range} is never less
  std::string exec, http;
  ReachSpec reach;  // of prometheus and http
  milliseconds timeout = 60s;
  Places places;
  Place place;
  bool operator==(const GateSpec&) const = default;
  // Which keys a gate may have, and their order in a dump, is said by its kind (gate_kinds.hpp).
  static void fields(auto& self, auto& visit) {
    visit("name", self.name, Text{});
    visit("metric", self.metric, OneOf{kMetrics});
    visit("against", self.against_stable, Choice<bool>{kAgainst});
    visit("max", self.max, GateLimit{});
    visit("warn", self.warn, GateLimit{});
    visit("max_increase", self.max_increase, GateLimit{});
    visit("prometheus", self.prometheus, Text{});
    visit("query", self.query, Text{});
    visit("on_empty", self.on_empty, OneOf{kOnEmpty});
    visit("exec", self.exec, Text{});
    visit("http", self.http, Text{});
    visit("timeout", self.timeout, Duration{});
    visit("ca", self.reach.ca, FileName{});
    visit("basic_auth", self.reach);
    visit("bearer_file", self.reach.bearer_file, FileName{});
    visit("min_age", self.min_age, Duration{0ms});
  }
};

struct StepSpec {
  Share share = 0;  // 0: nobody gets the new pool yet; only in the first steps
  milliseconds hold = 0ms;
  bool approve = false;
  Share mirror = 0;  // of a step of 0 %: safe requests that are mirrored to the new pool and judged there
  Place place;
  bool operator==(const StepSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("share", self.share, Percent{}, kRequired);
    visit("hold", self.hold, Duration{0ms});
    visit("approve", self.approve);
    visit("mirror", self.mirror, Percent{false});
  }
};

// One check before the new pool gets its first share: a request that every backend of it must answer as
// expected, or a command that must agree by exit 0, run once.
struct VerifySpec {
  std::string exec;            // empty: a request
  milliseconds timeout = 60s;  // of exec
  std::string method = "GET";
  std::string path = "/";
  int expect_low = 200, expect_high = 399;
  std::string body;          // that the answer's body contains; empty: not looked at
  milliseconds within = 5s;  // the whole answer
  std::string host;          // Host header; empty: the backend's address
  Place place;
  bool operator==(const VerifySpec&) const = default;
  // As with gates, its kind says which of them it may have.
  static void fields(auto& self, auto& visit) {
    visit("path", self.path, Text{target_error});
    visit("method", self.method, Text{method_error});
    visit("expect", self, ExpectedStatus{});
    visit("body", self.body, Text{});
    visit("within", self.within, Duration{});
    visit("host", self.host, MaybeEmpty{host_header_error});
    visit("exec", self.exec, Text{});
    visit("timeout", self.timeout, Duration{});
  }
};

// The check before the first step of a plan with `control: equal`: two cohorts of the stable pool, compared
// as the canary will be.
struct AaSpec {
  enum class OnNoise : std::uint8_t { refuse, tell };
  static constexpr Word<OnNoise> kOnNoise[] = {{"refuse", OnNoise::refuse}, {"tell", OnNoise::tell}};

  milliseconds measures = 2min;        // 0: there is no such check
  OnNoise on_noise = OnNoise::refuse;  // when the gates fail on the stable pool alone
  bool operator==(const AaSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("for", self.measures, Duration{0ms});
    visit("on_noise", self.on_noise, Choice<OnNoise>{kOnNoise});
  }
};

struct PlanSpec {
  static constexpr Word<bool> kControl[] = {{"pool", false}, {"equal", true}};

  std::string name;
  std::vector<StepSpec> steps;
  std::uint32_t min_requests = 50;  // in either pool that has a share, before a step may pass
  std::vector<GateSpec> gates;
  std::vector<VerifySpec> verify;
  milliseconds retain = 1h;  // after the end at 100 %: the old pool's backends are not removed without force
  // Whom the new pool is compared with: as many of the stable pool's users as it has itself, or all of them.
  bool equal_control = false;
  std::optional<AaSpec> aa;  // absent: as AaSpec says
  // How long the check before the first step measures; 0: there is none.
  milliseconds aa_time() const { return equal_control ? aa.value_or(AaSpec()).measures : 0ms; }
  // Something has to pass before the first step.
  bool begins_with_checks() const { return !verify.empty() || aa_time() > 0ms; }
  Place place;
  bool operator==(const PlanSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("steps", self.steps, ListOf{"a step", "a plan has at least one"}, kRequired);
    visit("min_requests", self.min_requests, Whole{0, 1'000'000'000});
    visit("gates", self.gates, ListOf{"a gate"});
    visit("verify", self.verify, ListOf{"a verify check"});
    visit("retain", self.retain, Duration{0ms});
    visit("control", self.equal_control, Choice<bool>{kControl, false});
    visit("aa", self.aa);
  }
};

}  // namespace sluice::config
