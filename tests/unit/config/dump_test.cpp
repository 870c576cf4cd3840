// `config show`: every key, and the same Spec when it is loaded again.
#include "proxy/config/dump.hpp"

#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::HasSubstr;

const char kEverything[] = R"(
listeners:
  - {name: web, bind: "[::]:8080", pools: {api: green, front: v1}, header_timeout: 1ms, body_timeout: 90s,
     idle_timeout: 8760h, max_connections: 100,
     max_connections_per_client: 10, max_requests: 1000, max_body: 3MiB, min_body_rate: 0,
     max_header_bytes: 8KiB, max_target: 2KiB, max_headers: 50,
     proxy_protocol: true, trusted_proxies: ["10.0.0.0/8", "::1", "2001:db8::/32"]}
  - {name: "[x]:1", bind: "localhost:0"}
admin: {socket: "/tmp/a b: #c.sock", socket_mode: "0007", socket_group: "0", http: {bind: "127.0.0.1:9900"},
  roles: [{role: viewer, group: root}, {role: operator, user: root}, {role: admin, user: "4711"}]}
state_dir: "~"
workers: 256
access_log: {path: "/tmp/%d, {x}.log", format: '{{"{path}": {status}}} # "x"'}
tracing: {endpoint: "https://[::1]:1/x", ratio: 0.001%, errors: false, service_name: "a: #b"}
lame_duck: 1500ms
shutdown_timeout: 0s
upgrade: {tunnels: paced:20/s, socket: /run/sluice/handoff.sock}
services:
  api:
    pools:
      blue: {backends: ["127.0.0.1:9001", {name: api-2, address: "[::1]:9002", weight: 1000, max_in_flight: 0}],
             max_in_flight: 7}
      green: {backends: [], proxy_protocol: v2, protocol: h1}
      h2: {backends: [], protocol: h2}
      either: {backends: [], protocol: auto}
      "123": {backends: ["h:1"]}
    split: {green: 99.999%, "123": 0.001%}
    stable: blue
    sticky: {keys: [header:X-User-Id, cookie:session, "query:a b", ip], issue_cookie: {name: "null", max_age: 0s, domain: a.b, path: /x}, salt: "a: #b"}
    balance: least_requests
    health_check: {type: grpc, service: "a: #b", path: "/h?x=1", interval: 3s, timeout: 2s, rise: 5, fall: 6, expect: 201, host: "[::1]:1"}
    outlier: {consecutive_errors: 0, ejection: 1ms, min_available: 0}
    retries: {attempts: 100, on: [timeout, 599, 500], on_grpc: [unavailable, internal], budget: 0.001%, rescue: none}
    timeouts: {connect: 1ms, response: 2ms, idle: 3ms, tunnel: 4ms}
    limits: {in_flight: 1, queue: 0, queue_time: 7ms, body: 1}
    rate_limit: {rate: 7/m, burst: 9, key: "cookie:session"}
    slow_start: 61s
    retain: 62s
    retain_hook: "tidy up: 'it' # all"
    debug_headers: true
    grpc_web: on
    assets: {match: [/static/, "/a:b"], on: [410, 404, 403], window: 63s}
  front: {pools: {"null": {backends: []}, "off": {backends: []}, v1: {backends: []}}, split: {v1: 100%}}
routes:
  - {host: "*.a.b", path: /a, service: api}
)";

const char kRoutesAndPlans[] = R"(
listeners: [{name: web, bind: "h:1"}]
services: {api: {pools: {"on": {backends: []}}}}
routes:
  - {host: "*.a.b", path: /a, strip_prefix: true, headers: {X-A: "", X-B: "off", X-C: "a: #'\""}, methods: [GET, PUT],
     service: api}
plans:
  none: {steps: [{share: 0.001%}]}
  shadow: {steps: [{share: 0%, mirror: 0.5%}, {share: 0%, mirror: 10%, hold: 1m}, {share: 0%, approve: true}, {share: 1%}]}
  "1.0":
    steps: [{share: 33.333%, hold: 1h, approve: true}, {share: 100%}]
    min_requests: 0
    gates:
      - {metric: error_rate, max: 0.007%, warn: 0.003%}
      - {metric: saturation, max: 90%}
      - {metric: p99, against: stable, max: 1.5s, max_increase: 7ms}
      - {prometheus: "http://h:9090", query: "sum(rate(a{b=\"c\"}[5m])) > 0", max: 1.0e-12, warn: -3.25, on_empty: fail}
      - {exec: "a 'b' \"c\" | d", timeout: 1h}
      - {http: "https://h/?a=b%23c", basic_auth: {user: "a # b", password_file: /etc/hostname}}
      - {http: "http://h", bearer_file: /etc/hostname}
      - {metric: p90, max: 2s}
      - {exec: "x", name: smoke}
      - {prometheus: "http://h", query: "a[{range}]", max: 1, name: "my errors", min_age: 0s}
    verify:
      - {exec: "a 'b' \"c\"", timeout: 5m}
      - {path: "/h?a=b", method: HEAD, expect: 204, body: "a: 'b' \"c\"", within: 250ms, host: "a.b:8080"}
      - {path: /}
    retain: 0s
)";

TEST(Dump, LoadsBackToAnEqualSpec) {
  for (const char* yaml : {kEverything, kRoutesAndPlans}) {
    const Loaded first = load_text(yaml, "f.yaml");
    ASSERT_TRUE(first.spec) << testing::PrintToString(texts(first.complaints));
    const std::string dumped = to_yaml(*first.spec);
    const Loaded second = load_text(dumped, "f.yaml");
    ASSERT_TRUE(second.spec) << testing::PrintToString(texts(second.complaints)) << "\n" << dumped;
    EXPECT_EQ(*second.spec, *first.spec) << dumped;
    EXPECT_EQ(to_yaml(*second.spec), dumped);
  }
}

// What the journal keeps of a rollout's plan is this text.
TEST(Dump, APlanOnItsOwnLoadsBackToAnEqualPlan) {
  const Loaded loaded = load_text(kRoutesAndPlans, "f.yaml");
  ASSERT_TRUE(loaded.spec) << testing::PrintToString(texts(loaded.complaints));
  for (const PlanSpec& plan : loaded.spec->plans) {
    const std::string dumped = to_yaml(plan);
    const LoadedPlan again = load_plan(dumped, "plan", plan.name);
    ASSERT_TRUE(again.plan) << testing::PrintToString(texts(again.complaints)) << dumped;
    EXPECT_EQ(*again.plan, plan) << dumped;
  }
}

TEST(Dump, APlanOnItsOwnIsCheckedWithPlaces) {
  const LoadedPlan falling = load_plan("steps: [{share: 50%}, {share: 5%}]\n", "p.yaml", "p");
  EXPECT_FALSE(falling.plan);
  EXPECT_THAT(
      texts(falling.complaints),
      testing::ElementsAre("p.yaml:1:23: the steps of plan 'p' must rise, 5 % does not come after 50 %"));
  EXPECT_FALSE(load_plan("steps: [{share: 5%}]\nstep: 1\n", "p.yaml", "p").plan);
  EXPECT_FALSE(load_plan("", "p.yaml", "p").plan);
  EXPECT_FALSE(load_plan("{", "p.yaml", "p").plan);
}

TEST(Dump, SaysTheDefaultsThatWereNotWritten) {
  const Loaded loaded = load_text(pools_5_5("pools: {blue: {backends: [\"h:1\"]}}"), "f.yaml");
  ASSERT_TRUE(loaded.spec);
  const std::string yaml = to_yaml(*loaded.spec);
  for (const char* line :
       {"workers: auto", "access_log: off", "socket_mode: \"0660\"", "blue: 100%", "stable: blue",
        "on: [connect, reset, 502, 503, 504]", "budget: 20%", "tunnel: 1h", "weight: 1", "lame_duck: 0s"})
    EXPECT_THAT(yaml, HasSubstr(line));
}

}  // namespace
}  // namespace sluice::config
