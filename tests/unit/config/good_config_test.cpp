// Every key, read as it was written, and what follows when it was not.
#include "proxy/config/complete.hpp"
#include "proxy/config/validate.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Shares = std::vector<std::pair<std::string, Share>>;

// Fails the test, with what was said, when there are complaints.
Spec loaded(const std::string& yaml) {
  Loaded result = load_text(yaml, "good.yaml");
  EXPECT_THAT(texts(result.complaints), IsEmpty()) << yaml;
  return result.spec.value_or(Spec{});
}

ServiceSpec only_service(const std::string& yaml) {
  const Spec spec = loaded(yaml);
  return spec.services.empty() ? ServiceSpec{} : spec.services[0];
}

TEST(GoodConfig, ListenerWithEveryKey) {
  const Spec spec = loaded(
      listener_4_5("pools: {api: green}\n    header_timeout: 1s\n    body_timeout: 2s\n    idle_timeout: 3s\n"
                   "    max_connections: 4\n    max_connections_per_client: 5\n    max_requests: 6\n"
                   "    max_body: 7KiB\n    min_body_rate: 8\n    max_header_bytes: 9KiB\n"
                   "    max_target: 1000\n    max_headers: 11"));
  ASSERT_EQ(spec.listeners.size(), 1u);
  const ListenerSpec& listener = spec.listeners[0];
  EXPECT_EQ(listener.name, "web");
  EXPECT_EQ(listener.bind, (Address{"127.0.0.1", 8080, "127.0.0.1:8080"}));
  EXPECT_THAT(listener.pools, ElementsAre(Pair("api", "green")));
  EXPECT_EQ(listener.header_timeout, 1s);
  EXPECT_EQ(listener.body_timeout, 2s);
  EXPECT_EQ(listener.idle_timeout, 3s);
  EXPECT_EQ(listener.max_connections, 4u);
  EXPECT_EQ(listener.max_connections_per_client, 5u);
  EXPECT_EQ(listener.max_requests, 6u);
  EXPECT_EQ(listener.max_body, 7u * 1024);
  EXPECT_EQ(listener.min_body_rate, 8u);
  EXPECT_EQ(listener.max_header_bytes, 9u * 1024);
  EXPECT_EQ(listener.max_target, 1000u);
  EXPECT_EQ(listener.max_headers, 11u);
}

TEST(GoodConfig, Assets) {
  const auto one = only_service(service_7_5("assets: {match: /static/}"));
  ASSERT_TRUE(one.assets);
  EXPECT_THAT(one.assets->match, ElementsAre("/static/"));
  EXPECT_THAT(one.assets->on, ElementsAre(404));
  EXPECT_EQ(one.assets->window, 1h);
  const auto more =
      only_service(service_7_5("assets: {match: [/static/, /app-], on: [410, 403, 404], window: 0s}"));
  EXPECT_THAT(more.assets->match, ElementsAre("/static/", "/app-"));
  EXPECT_THAT(more.assets->on, ElementsAre(403, 404, 410));
  EXPECT_EQ(more.assets->window, 0s);
}

TEST(GoodConfig, LimitsOfServicesPoolsAndBackends) {
  const auto service = only_service(
      service_7_5("limits: {queue_time: 2s, body: 1MiB}\n    rate_limit: {rate: 20/s, key: header:X-Key}"));
  EXPECT_EQ(service.limits.queue_time, 2s);
  EXPECT_EQ(service.limits.body, 1024u * 1024);
  ASSERT_TRUE(service.rate_limit);
  EXPECT_EQ(service.rate_limit->period_micros, 50'000u);
  EXPECT_EQ(service.rate_limit->burst, 20u) << "a second's worth";
  EXPECT_THAT(service.rate_limit->key.keys,
              ElementsAre(StickyKey{StickyKey::From::header, "X-Key"}, StickyKey{StickyKey::From::ip, ""}));
  const auto slow = only_service(service_7_5("rate_limit: {rate: 5/h, burst: 3}"));
  EXPECT_EQ(slow.rate_limit->period_micros, 720'000'000u);
  EXPECT_EQ(slow.rate_limit->burst, 3u);
  EXPECT_THAT(slow.rate_limit->key.keys, ElementsAre(StickyKey{StickyKey::From::ip, ""}));
  const auto pools = only_service(
      pools_5_5("pools: {a: {max_in_flight: 9, backends: [{address: \"h:1\", max_in_flight: 0}, \"h:2\"]}}"));
  EXPECT_EQ(pools.pools[0].max_in_flight, 9u);
  EXPECT_EQ(pools.pools[0].backends[0].max_in_flight, 0u);
  EXPECT_FALSE(pools.pools[0].backends[1].max_in_flight);
}

TEST(GoodConfig, ListenersMayShareWhatTheKernelChooses) {
  const Spec spec = loaded(
      "listeners: [{name: a, bind: \"127.0.0.1:0\"}, {name: b, bind: \"127.0.0.1:0\"}, {name: c, bind: "
      "\"[::]:80\"}]\n"
      "services: {api: {pools: {blue: {backends: []}}}}\n");
  ASSERT_EQ(spec.listeners.size(), 3u);
  EXPECT_EQ(spec.listeners[2].bind, (Address{"::", 80, "[::]:80"}));
}

TEST(GoodConfig, TheProcess) {
  const std::string token = SLUICE_SOURCE_DIR "/CMakeLists.txt";  // some file that can be read
  const Spec spec = loaded(top_3_1(
      "admin:\n  socket: /tmp/s.sock\n  socket_mode: \"0600\"\n  http: {bind: \"[::1]:0\", token_file: " +
      token +
      "}\nstate_dir: /tmp/state\nworkers: 3\nlame_duck: 5s\nshutdown_timeout: 0s\n"
      "access_log: {path: /tmp/access.log, format: json}"));
  EXPECT_EQ(spec.file, "good.yaml");
  EXPECT_EQ(spec.admin.socket, "/tmp/s.sock");
  EXPECT_EQ(spec.admin.socket_mode, 0600u);
  ASSERT_TRUE(spec.admin.http);
  EXPECT_EQ(spec.admin.http->bind.text, "[::1]:0");
  EXPECT_EQ(spec.admin.http->token_file, token);
  EXPECT_EQ(spec.state_dir, "/tmp/state");
  EXPECT_EQ(spec.workers, 3u);
  EXPECT_EQ(spec.lame_duck, 5s);
  EXPECT_EQ(spec.shutdown_timeout, 0s);
  EXPECT_EQ(spec.upgrade.tunnels, 0s);
  EXPECT_EQ(loaded(top_3_1("upgrade: {tunnels: spread:1.5m}")).upgrade.tunnels, 90s);
  EXPECT_EQ(loaded(top_3_1("upgrade: {tunnels: paced:20/s}")).upgrade.tunnel_pace, 20u);
  EXPECT_EQ(loaded(top_3_1("upgrade: {tunnels: wait}")).upgrade.tunnels, 0s);
  EXPECT_EQ(spec.access_log.path, "/tmp/access.log");
  EXPECT_EQ(spec.access_log.format, "json");
  const auto combined = loaded(top_3_1("access_log: {path: -, format: combined}")).access_log;
  EXPECT_EQ(combined, (AccessLogSpec{"-", "combined"}));
  // No YAML, and how everybody writes it.
  EXPECT_EQ(loaded(top_3_1("access_log: {path: - , format: combined}")).access_log, combined);
  EXPECT_EQ(loaded(top_3_1("access_log:\n  path: -\n  format: combined")).access_log, combined);
  EXPECT_EQ(loaded(top_3_1("access_log:\n  format: combined\n  path:  - # stdout")).access_log, combined);
  const auto given = loaded(top_3_1("access_log: {path: \"-\", format: '{client} {{{path}}}'}")).access_log;
  EXPECT_EQ(given.format, "{client} {{{path}}}");
}

TEST(GoodConfig, WordsForOffAndAuto) {
  EXPECT_EQ(loaded(top_3_1("access_log: off")).access_log, AccessLogSpec{});
  EXPECT_EQ(loaded(top_3_1("access_log: false")).access_log, AccessLogSpec{});
  EXPECT_EQ(loaded(top_3_1("workers: auto")).workers, 0u);
  EXPECT_EQ(loaded(top_3_1("workers: \"256\"")).workers, 256u);
  EXPECT_EQ(loaded(top_3_1("admin: {socket_mode: 660}")).admin.socket_mode, 0660u);
}

TEST(GoodConfig, DebugHeadersOfAServiceOverrideThoseOfTheFile) {
  const Spec spec = loaded(
      "debug_headers: yes\nlisteners: [{name: web, bind: \"h:1\"}]\nservices:\n"
      "  a: {pools: {p: {backends: []}}}\n  b: {pools: {p: {backends: []}}, debug_headers: no}\n");
  ASSERT_EQ(spec.services.size(), 2u);
  EXPECT_TRUE(spec.services[0].debug_headers);
  EXPECT_FALSE(spec.services[1].debug_headers);
  EXPECT_TRUE(loaded(service_7_5("debug_headers: true")).services[0].debug_headers);
  EXPECT_TRUE(loaded(service_7_5("grpc_web: on")).services[0].grpc_web);
  EXPECT_FALSE(loaded(service_7_5("grpc_web: off")).services[0].grpc_web);
}

TEST(GoodConfig, Backends) {
  const ServiceSpec service =
      only_service(pools_5_5("pools: {a: {backends: [\"127.0.0.1:9001\", {name: api-2, address: "
                             "\"[::1]:9002\", weight: 0}, {address: \"db:1\"}]}}"));
  ASSERT_EQ(service.pools.size(), 1u);
  const auto& backends = service.pools[0].backends;
  ASSERT_EQ(backends.size(), 3u);
  EXPECT_EQ(backends[0],
            (BackendSpec{"127.0.0.1:9001", {"127.0.0.1", 9001, "127.0.0.1:9001"}, false, 1, {}, {}}));
  EXPECT_EQ(backends[1], (BackendSpec{"api-2", {"::1", 9002, "[::1]:9002"}, false, 0, {}, {}}));
  EXPECT_EQ(backends[2].name, "db:1");
}

TEST(GoodConfig, SplitFollowsTheOrderOfThePools) {
  const std::string pools = "pools: {a: {backends: []}, b: {backends: []}, c: {backends: []}}\n    ";
  const ServiceSpec service = only_service(pools_5_5(pools + "split: {c: 99.875%, a: 0.125%}"));
  EXPECT_EQ(service.split, (Shares{{"a", 125}, {"b", 0}, {"c", 99'875}}));
  EXPECT_EQ(service.stable, "c") << "the pool with the largest share";
  EXPECT_EQ(only_service(pools_5_5(pools + "split: {c: 50%, a: 50%}")).stable, "a") << "the first of equals";
  EXPECT_EQ(only_service(pools_5_5(pools + "split: {c: 100%}\n    stable: b")).stable, "b") << "as written";
}

TEST(GoodConfig, OnePoolNeedsNoSplit) {
  const ServiceSpec service = only_service(pools_5_5("pools: {only: {backends: []}}"));
  EXPECT_EQ(service.split, (Shares{{"only", kWhole}}));
  EXPECT_EQ(service.stable, "only");
}

TEST(GoodConfig, Stickiness) {
  const auto sticky = only_service(service_7_5("sticky: {keys: [header:X-User-Id, cookie:session, "
                                               "\"query:user\", ip], issue_cookie: id, salt: s}"))
                          .sticky;
  ASSERT_TRUE(sticky);
  EXPECT_THAT(
      sticky->keys,
      ElementsAre(StickyKey{StickyKey::From::cookie, "id"}, StickyKey{StickyKey::From::header, "X-User-Id"},
                  StickyKey{StickyKey::From::cookie, "session"}, StickyKey{StickyKey::From::query, "user"},
                  StickyKey{StickyKey::From::ip, ""}));
  EXPECT_EQ(sticky->issue_cookie, (IssuedCookie{"id", 720h, "", "/"}));
  EXPECT_EQ(sticky->salt, "s");
  EXPECT_EQ(only_service(service_7_5("sticky: {keys: [ip]}")).sticky->salt, "api")
      << "defaults to the service's name";
  EXPECT_FALSE(only_service(service_7_5("balance: hash")).sticky);
}

TEST(GoodConfig, AnIssuedCookieStandsWhereItIsWrittenAmongTheKeysElseFirst) {
  const StickyKey user{StickyKey::From::header, "X-User-Id"}, issued{StickyKey::From::cookie, "id"};
  const auto keys_of = [](const std::string& keys) {
    return only_service(service_7_5("sticky: {keys: [" + keys + "], issue_cookie: id}")).sticky->keys;
  };
  EXPECT_THAT(keys_of("header:X-User-Id"), ElementsAre(issued, user));
  EXPECT_THAT(keys_of("header:X-User-Id, cookie:id"), ElementsAre(user, issued));
  EXPECT_THAT(keys_of("cookie:id, header:X-User-Id"), ElementsAre(issued, user));
}

TEST(GoodConfig, AnIssuedCookiesAttributes) {
  const auto cookie_of = [](const std::string& cookie) {
    return only_service(service_7_5("sticky: {keys: [header:X], issue_cookie: " + cookie + "}"))
        .sticky->issue_cookie;
  };
  EXPECT_EQ(cookie_of("{name: v}"), (IssuedCookie{"v", 720h, "", "/"}));
  EXPECT_EQ(cookie_of("{name: v, max_age: 0s, domain: example.com, path: /shop}"),
            (IssuedCookie{"v", 0ms, "example.com", "/shop"}));
}

TEST(GoodConfig, Balance) {
  EXPECT_EQ(only_service(service_7_5("balance: round_robin")).balance, Balance::round_robin);
  EXPECT_EQ(only_service(service_7_5("balance: least_requests")).balance, Balance::least_requests);
  EXPECT_EQ(only_service(service_7_5("balance: hash")).balance, Balance::hash);
}

TEST(GoodConfig, HealthCheck) {
  const auto check =
      only_service(
          service_7_5(
              "health_check: {path: \"/health/?deep=1\", interval: 500ms, timeout: 250ms, rise: 1, fall: 4, "
              "expect: 204, host: \"api.internal:80\"}"))
          .health_check;
  EXPECT_EQ(check, (HealthCheckSpec{"/health/?deep=1", 500ms, 250ms, 1, 4, 204, 204, "api.internal:80"}));
  const auto grpc = only_service(service_7_5("health_check: {type: grpc, service: shop.Cart}")).health_check;
  ASSERT_TRUE(grpc);
  EXPECT_EQ(grpc->type, HealthCheckSpec::Type::grpc);
  EXPECT_EQ(grpc->service, "shop.Cart");
  EXPECT_EQ(only_service(service_7_5("health_check: {}")).health_check, HealthCheckSpec{})
      << "there, with its defaults";
  EXPECT_EQ(only_service(service_7_5("balance: hash")).health_check, std::nullopt);
}

TEST(GoodConfig, OutlierRetriesTimeoutsLimits) {
  const ServiceSpec service = only_service(
      service_7_5("outlier: {consecutive_errors: 0, ejection: 1m, min_available: 2}\n"
                  "    retries: {attempts: 3, on: [timeout, 504, 500], budget: 12.5%, rescue: none}\n"
                  "    timeouts: {connect: 1.5s, response: 2m, idle: 3s, tunnel: 24h}\n"
                  "    limits: {in_flight: 7, queue: 0}\n"
                  "    slow_start: 30s"));
  EXPECT_EQ(service.outlier, (OutlierSpec{0, 60s, 2}));
  EXPECT_EQ(service.retries, (RetrySpec{3, false, false, true, {500, 504}, 0.125, false}));
  EXPECT_EQ(only_service(service_7_5("retries: {on_grpc: [unavailable, cancelled]}")).retries.on_grpc,
            (std::vector{GrpcStatus::cancelled, GrpcStatus::unavailable}));
  EXPECT_EQ(service.timeouts, (TimeoutSpec{1500ms, 120s, 3s, 24h}));
  EXPECT_EQ(service.limits, (LimitSpec{7, 0}));
  EXPECT_EQ(service.slow_start, 30s);
  EXPECT_EQ(only_service(service_7_5("retries: {on: []}")).retries,
            (RetrySpec{2, false, false, false, {}, 0.20, true}));
}

TEST(GoodConfig, Routes) {
  const Spec spec =
      loaded(top_3_1("routes:\n  - {host: API.Example.com, path: /, service: api}\n"
                     "  - {host: \"*.example.com\", path: /static/, strip_prefix: true, headers: {X-Beta: "
                     "\"1\", X-Any: \"\"}, "
                     "methods: [GET, M-SEARCH], service: front}\n  - {host: \"[::1]\", service: api}"));
  ASSERT_EQ(spec.routes.size(), 3u);
  EXPECT_EQ(spec.routes[0].host, "api.example.com") << "hosts are compared in lower case";
  EXPECT_EQ(spec.routes[0].service, "api");
  const RouteSpec& route = spec.routes[1];
  EXPECT_EQ(route.host, "*.example.com");
  EXPECT_EQ(route.path, "/static/");
  EXPECT_TRUE(route.strip_prefix);
  EXPECT_THAT(route.headers, ElementsAre(Pair("X-Beta", "1"), Pair("X-Any", "")));
  EXPECT_THAT(route.methods, ElementsAre("GET", "M-SEARCH"));
  EXPECT_EQ(spec.routes[2].path, "/");
}

TEST(GoodConfig, Plans) {
  const Spec spec = loaded(top_3_1(
      "plans:\n  four:\n    steps: [{share: 5%, hold: 10m}, {share: 100%, approve: true}]\n    min_requests: "
      "9\n"
      "    gates:\n"
      "      - {metric: error_rate, max: 5%, warn: 1%}\n"
      "      - {metric: error_rate, against: stable, max_increase: 1%}\n"
      "      - {metric: p95, max: 500ms, warn: 1ms}\n"
      "      - {prometheus: \"http://127.0.0.1:9090\", query: up, max: -0.5, on_empty: fail, timeout: 3s}\n"
      "      - {exec: \"./verify --all\", timeout: 5s}\n"
      "      - {http: \"https://h/verify\"}"));
  ASSERT_EQ(spec.plans.size(), 1u);
  const PlanSpec& plan = spec.plans[0];
  EXPECT_EQ(plan.name, "four");
  EXPECT_EQ(plan.min_requests, 9u);
  EXPECT_THAT(plan.steps,
              ElementsAre(StepSpec{5'000, 10min, false, 0, {}}, StepSpec{kWhole, 0ms, true, 0, {}}));
  ASSERT_EQ(plan.gates.size(), 6u);
  EXPECT_EQ(plan.gates[0].max, 0.05);
  EXPECT_EQ(plan.gates[0].warn, 0.01);
  EXPECT_TRUE(plan.gates[1].against_stable);
  EXPECT_EQ(plan.gates[1].max_increase, 0.01);
  EXPECT_EQ(plan.gates[2].max, 0.5) << "latencies in seconds";
  EXPECT_EQ(plan.gates[3].max, -0.5);
  EXPECT_EQ(plan.gates[3].on_empty, "fail");
  EXPECT_EQ(plan.gates[3].timeout, 3s);
  EXPECT_EQ(plan.gates[4].exec, "./verify --all");
  EXPECT_EQ(plan.gates[5].http, "https://h/verify");
}

TEST(GoodConfig, AnchorsWindowsLinesAndAByteOrderMark) {
  const Spec spec = loaded(
      "\xef\xbb\xbflisteners: [{name: web, bind: \"h:1\"}]\r\nservices:\r\n"
      "  a: {pools: {p: {backends: []}}, health_check: &check {path: /up}}\r\n"
      "  b: {pools: {p: {backends: []}}, health_check: *check}\r\n");
  ASSERT_EQ(spec.services.size(), 2u);
  EXPECT_EQ(spec.services[1].health_check->path, "/up");
}

// `sluiced try` and the demo build theirs without a file.
TEST(GoodConfig, ASpecThatTheProgramBuiltIsCheckedAndCompletedAlike) {
  Spec spec;
  spec.file = "built in";
  spec.services.resize(1);
  ServiceSpec& service = spec.services[0];
  service.name = "app";
  service.pools = {{"blue", {}, 0, {}, {}}, {"green", {}, 0, {}, {}}};
  service.split = {{"gren", kWhole}};
  EXPECT_THAT(texts(validate(spec)), ElementsAre("built in:1:1: service 'app' has no pool 'gren', its pools "
                                                 "are blue and green, did you mean 'green'?"));
  service.split = {{"green", kWhole}};
  EXPECT_THAT(validate(spec), IsEmpty());
  complete(spec);
  const Spec once = spec;
  complete(spec);
  EXPECT_EQ(spec, once);
  EXPECT_THAT(validate(spec), IsEmpty()) << "a completed spec is as good as a written one";
  EXPECT_EQ(spec.services[0].stable, "green");
}

TEST(GoodConfig, EqualSpecsMayStandAnywhereInTheirFiles) {
  Spec here = loaded(service_7_5("balance: hash"));
  Spec there = loaded("# a comment above\n" + service_7_5("balance:   hash"));
  EXPECT_EQ(here, there);
  there.services[0].limits.queue = 1;
  EXPECT_NE(here, there);
}

}  // namespace
}  // namespace sluice::config
