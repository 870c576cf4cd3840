// How a service treats its requests, as configured: stickiness, balancing, health, retries, limits. A
// snapshot takes these over as they are written. Plain structs; every default and every key stands here once
// (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/grpc_status.hpp"
#include "proxy/config/kinds.hpp"

namespace sluice::config {

constexpr std::uint32_t kMostAtOnce = 10'000'000;  // requests

struct StickyKey {
  enum class From { header, cookie, query, ip } from = From::ip;
  std::string name;  // empty for ip
  bool operator==(const StickyKey&) const = default;
};

// The cookie that a request without any sticky key gets (S6); RFC 6265, section 4.1.2, for its attributes.
struct IssuedCookie {
  std::string name;             // empty: none is issued
  milliseconds max_age = 720h;  // 30 days, whole seconds; 0: until the browser is closed
  std::string domain;           // empty: only the host that it came from
  std::string path = "/";
  bool operator==(const IssuedCookie&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("name", self.name, Text{cookie_name_error}, kRequired);
    visit("max_age", self.max_age, WholeSeconds{});
    visit("domain", self.domain, MaybeEmpty{cookie_domain_error});
    visit("path", self.path, Text{cookie_path_error});
  }
};

struct StickySpec {
  // The first one present in a request counts. The issued cookie is among them after loading: first, unless
  // it was written elsewhere (S10).
  std::vector<StickyKey> keys;
  IssuedCookie issue_cookie;
  std::string salt;  // defaults to the service's name
  bool operator==(const StickySpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("keys", self.keys, StickyKeys{}, kRequired);
    visit("issue_cookie", self.issue_cookie);
    visit("salt", self.salt, MaybeEmpty{});
  }
};

enum class Balance { round_robin, least_requests, hash };
inline constexpr Word<Balance> kBalances[] = {{"round_robin", Balance::round_robin},
                                              {"least_requests", Balance::least_requests},
                                              {"hash", Balance::hash}};

struct HealthCheckSpec {
  static constexpr int kMostInARow = 1000;
  enum class Type { http, grpc };
  static constexpr Word<Type> kTypes[] = {{"http", Type::http}, {"grpc", Type::grpc}};

  std::string path = "/";
  milliseconds interval = 2s;
  milliseconds timeout = 1s;
  int rise = 2;
  int fall = 3;
  int expect_low = 200, expect_high = 399;
  std::string host;  // Host header of the probe; empty: the backend's address
  // grpc: grpc.health.v1 over HTTP/2 is asked about `service`, and its answer counts instead of a status.
  Type type = Type::http;
  std::string service = {};  // empty: the server as a whole
  bool operator==(const HealthCheckSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("type", self.type, Choice<Type>{kTypes, Type::http});
    visit("service", self.service, MaybeEmpty{});
    visit("path", self.path, Text{target_error});
    visit("interval", self.interval, Duration{});
    visit("timeout", self.timeout, Duration{});
    visit("rise", self.rise, Whole{1, kMostInARow});
    visit("fall", self.fall, Whole{1, kMostInARow});
    visit("expect", self, ExpectedStatus{true});
    visit("host", self.host, MaybeEmpty{host_header_error});
  }
};

struct OutlierSpec {
  static constexpr int kMost = 1'000'000;

  int consecutive_errors = 5;  // 0 turns ejection off
  milliseconds ejection = 30s;
  int min_available = 1;
  bool operator==(const OutlierSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("consecutive_errors", self.consecutive_errors, Whole{0, kMost});
    visit("ejection", self.ejection, Duration{});
    visit("min_available", self.min_available, Whole{0, kMost});
  }
};

struct RetrySpec {
  static constexpr Word<bool> kRescue[] = {{"stable", true}, {"none", false}};

  int attempts = 2;  // in all, the first one included
  bool on_connect = true, on_reset = true, on_timeout = false;
  std::vector<int> on_status = {502, 503, 504};
  double budget = 0.20;  // of what is in flight; at least 3 (R1)
  bool rescue_stable = true;
  std::vector<GrpcStatus> on_grpc = {};  // of a gRPC call that ended before its first message
  bool operator==(const RetrySpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("attempts", self.attempts, Whole{1, 100});
    visit("on", self, RetryCauses{});
    visit("on_grpc", self.on_grpc, GrpcStatuses{});
    visit("budget", self.budget, Fraction{});
    visit("rescue", self.rescue_stable, Choice<bool>{kRescue});
  }
};

struct TimeoutSpec {
  milliseconds connect = 1s;
  milliseconds response = 60s;  // from the request sent to the answer's head, and between pieces of its body
  milliseconds idle = 60s;      // a kept-alive connection without a request
  milliseconds tunnel = 1h;     // a tunnel (WebSocket) without a byte
  bool operator==(const TimeoutSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("connect", self.connect, Duration{});
    visit("response", self.response, Duration{});
    visit("idle", self.idle, Duration{});
    visit("tunnel", self.tunnel, Duration{});
  }
};

struct LimitSpec {
  std::uint32_t in_flight = 10'000;
  std::uint32_t queue = 1'000;
  milliseconds queue_time = 5s;  // the longest wait for a slot; a standing queue shortens it (Concurrency)
  std::uint64_t body = 0;        // bytes of a request's body; 0: no limit, bodies stream (X4)
  bool operator==(const LimitSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("in_flight", self.in_flight, Whole{1, kMostAtOnce});
    visit("queue", self.queue, Whole{0, kMostAtOnce});
    visit("queue_time", self.queue_time, Duration{});
    visit("body", self.body, Size{});
  }
};

// So many requests a second for each value of a key; more are answered with 429.
struct RateLimitSpec {
  std::uint64_t period_micros = 0;  // between two requests of a steady client: 10 ms for 100/s
  std::uint32_t burst = 1;          // at once, after a rest; defaults to a second's worth
  StickySpec key{};                 // one key, and ip for requests without it
  bool operator==(const RateLimitSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("rate", self.period_micros, Rate{}, kRequired);
    visit("burst", self.burst, Whole{1, 1'000'000});
    visit("key", self.key, RateKey{});
  }
};

// Files whose name says what is in them (app.3f9a1c.js): one that the chosen pool does not have may be had
// from another version's pool.
struct AssetSpec {
  std::vector<std::string> match;  // paths begin with one of these
  std::vector<int> on = {404};     // statuses that say that the file is not there
  milliseconds window = 1h;        // a pool is asked for so long after it has lost its share
  bool operator==(const AssetSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("match", self.match, Prefixes{}, kRequired);
    visit("on", self.on, MissingStatuses{});
    visit("window", self.window, Duration{0ms});
  }
};

struct ServicePolicies {
  std::string name;
  std::optional<StickySpec> sticky;
  Balance balance = Balance::round_robin;
  std::optional<HealthCheckSpec> health_check;  // absent: no active probes, health stays unknown
  OutlierSpec outlier;
  RetrySpec retries;
  TimeoutSpec timeouts;
  LimitSpec limits;
  std::optional<RateLimitSpec> rate_limit;
  milliseconds slow_start = 0ms;
  // After a cutover: the pools left behind stay as they are so long; 0: not at all.
  milliseconds retain = 0ms;
  std::string retain_hook;  // a command, run when a retention ends; empty: none
  bool debug_headers = false;
  bool grpc_web = false;  // is translated to gRPC for the backends; else it goes on as it comes
  std::optional<AssetSpec> assets;
  bool operator==(const ServicePolicies&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("sticky", self.sticky);
    visit("balance", self.balance, Choice<Balance>{kBalances});
    visit("health_check", self.health_check);
    visit("outlier", self.outlier);
    visit("retries", self.retries);
    visit("timeouts", self.timeouts);
    visit("limits", self.limits);
    visit("rate_limit", self.rate_limit);
    visit("slow_start", self.slow_start, Duration{0ms});
    visit("retain", self.retain, Duration{0ms});
    visit("retain_hook", self.retain_hook, Text{});
    visit("debug_headers", self.debug_headers);
    visit("grpc_web", self.grpc_web);
    visit("assets", self.assets);
  }
};

}  // namespace sluice::config
