// Bad routes and bad plans.
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

std::string route(const std::string& text) { return top_3_1("routes:\n  - {service: api, " + text + "}"); }

TEST(BadConfig, Routes) {
  expect_complaints({
      {top_3_1("routes: [{path: /}]"), 3, 10, "a route needs the key 'service'", ""},
      {top_3_1("routes: [{service: apii}]"), 3, 20,
       "there is no service 'apii', the services are api and front", "api"},
      {top_3_1("routes: [{service: web}]"), 3, 20, "there is no service 'web'", ""},
      {top_3_1("routes: {service: api}"), 3, 9, "'routes' must be a list, not a map", ""},
      {top_3_1("routes: [api]"), 3, 10, "a route must be a map, not 'api'", ""},
      {top_3_1("routes: [{service: [api]}]"), 3, 20, "'service' must be a text, not a list", ""},
      {route("prefix: /"), 4, 20, "unknown key 'prefix' in a route, its keys are host, path, strip_prefix",
       ""},
      {route("methods: GET"), 4, 29, "'methods' must be a list, not 'GET'", "[GET]"},
      {route("methods: [get]"), 4, 30, "methods are written in upper case", "GET"},
      {route("methods: [\"G T\"]"), 4, 30, "'G T' is not a method", ""},
      {route("methods: [GET, GET]"), 4, 35, "duplicate method 'GET'", ""},
      {route("path: static"), 4, 26, "a path begins with /", "/static"},
      {route("path: \"/a?b\""), 4, 26, "no query", ""},
      {route("strip_prefix: 2"), 4, 34, "must be true or false, not '2'", ""},
      {route("host: \"a.b:80\""), 4, 26, "leave the port out", "a.b"},
      {route("host: \"*\""), 4, 26, "leave the key out to match every host", ""},
      {route("host: a.*.b"), 4, 26, "'a.\\*.b' is not a host", ""},
      {route("host: \"[::g]\""), 4, 26, "is not a host", ""},
      {route("host: a..b"), 4, 26, "is not a host", ""},
      {route("headers: [X-Beta]"), 4, 29, "'headers' must be a map, not a list", ""},
      {route("headers: {\"X Beta\": 1}"), 4, 30, "'X Beta' is not a header name", ""},
      {route("headers: {X-Beta: 1, x-beta: 2}"), 4, 41,
       "duplicate header 'x-beta', it is the same as 'X-Beta'", ""},
      {route("headers: {X-Beta: \" 1\"}"), 4, 38, "no blanks around it", ""},
      {route("headers: {X-Beta: \"a\\nb\"}"), 4, 38, "'a\\?b' is not a header value", ""},
  });
}

// A plan of one good step whose first gate begins at line 6, column 9.
std::string gate(const std::string& text) {
  return top_3_1("plans:\n  p:\n    gates: [" + text + "]\n    steps: [{share: 5%}]");
}

std::string steps(const std::string& text) { return top_3_1("plans:\n  p:\n    steps: " + text); }

TEST(BadConfig, PlansAndSteps) {
  expect_complaints({
      {top_3_1("plans: {p: {gates: []}}"), 3, 9, "plan 'p' needs the key 'steps'", ""},
      {top_3_1("plans: [p]"), 3, 8, "'plans' must be a map, not a list", ""},
      {top_3_1("plans: {p: {steps: [{share: 5%}], step: 1}}"), 3, 35, "unknown key 'step' in plan 'p'",
       "steps"},
      {top_3_1("plans: {p: {steps: [{share: 5%}]}, p: {steps: [{share: 5%}]}}"), 3, 36,
       "duplicate key 'p' in 'plans'", ""},
      {top_3_1("plans: {p: {steps: [{share: 5%}], min_requests: few}}"), 3, 49, "a whole number from 0", ""},
      {top_3_1("plans: {p: {steps: [{share: 5%}], control: equl}}"), 3, 44,
       "'control' must be one of pool and equal", "equal"},
      {top_3_1("plans: {p: {steps: [{share: 5%}], aa: {for: 1m}}}"), 3, 9, "needs 'control: equal' beside it",
       ""},
      {steps("[]"), 5, 12, "'steps' is empty", ""},
      {steps("[5%]"), 5, 13, "a step must be a map, not '5%'", ""},
      {steps("[{hold: 5m}]"), 5, 13, "a step needs the key 'share'", ""},
      {steps("[{share: 0%}]"), 5, 13, "a step of 0 % of plan 'p' does nothing: give it a mirror", ""},
      {steps("[{share: 5%}, {share: 0%, mirror: 5%}]"), 5, 26,
       "a step of 0 % of plan 'p' comes after one of 5 %, it may only stand before the first share", ""},
      {steps("[{share: 5%, mirror: 5%}]"), 5, 13, "'mirror' is for a step of 0 %", ""},
      {steps("[{share: 0%, mirror: 0%}]"), 5, 33, "a mirror of 0 % is none", ""},
      {steps("[{share: 120%}]"), 5, 21, "'120%' is more than 100 %", ""},
      {steps("[{share: 5%, hold: 10}]"), 5, 31, "'10' is not a duration", "10s"},
      {steps("[{share: 5%, aprove: true}]"), 5, 25, "unknown key 'aprove' in a step", "approve"},
      {steps("[{share: 25%}, {share: 5%}]"), 5, 27,
       "the steps of plan 'p' must rise, 5 % does not come after 25 %", ""},
      {steps("[{share: 25%}, {share: 25%}]"), 5, 27, "must rise", ""},
  });
}

TEST(BadConfig, NamesOfGates) {
  expect_complaints({
      {gate("{exec: a, name: x}, {exec: b, name: x}"), 5, 33, "duplicate gate 'x' of plan 'p'", ""},
      {gate("{metric: p95, max: 1s, name: x}"), 5, 36, "'name' has no meaning in a gate of 'metric'", ""},
      {gate("{exec: a, min_age: 5s}"), 5, 23, "'min_age' has no meaning in a gate of 'exec'", ""},
  });
}

TEST(BadConfig, VerifyChecks) {
  const auto verify = [](const std::string& text) {
    return top_3_1("plans:\n  p:\n    verify: [" + text + "]\n    steps: [{share: 5%}]");
  };
  expect_complaints({
      {verify("{method: GET}"), 5, 14, "a verify check needs the key 'path', a request, or 'exec', a command",
       ""},
      {verify("{path: /, exec: ./x}"), 5, 15, "'path' has no meaning in a verify check of 'exec'", ""},
      {verify("{exec: ./x, expect: 200}"), 5, 26, "'expect' has no meaning in a verify check of 'exec'", ""},
      {verify("{path: /, timeout: 5s}"), 5, 24, "'timeout' has no meaning in a verify check of 'path'", ""},
  });
}

TEST(BadConfig, Gates) {
  expect_complaints({
      {gate("p95"), 5, 13, "a gate must be a map, not 'p95'", ""},
      {gate("{max: 5%}"), 5, 13, "a gate needs one of the keys metric, prometheus, exec and http", ""},
      {gate("{metric: p95, exec: ./x, max: 1s}"), 5, 27,
       "a gate has one of metric, prometheus, exec and http", ""},
      {gate("{metric: error_rates, max: 5%}"), 5, 22, "'metric' must be one of error_rate, p50",
       "error_rate"},
      {gate("{metric: latency, max: 5%}"), 5, 22, "'metric' must be one of", ""},
      {gate("{metric: error_rate}"), 5, 13, "a gate of 'metric' needs the key 'max'", ""},
      {gate("{metric: rollback_ready, max: 5%}"), 5, 38, "'max' has no meaning for 'rollback_ready'", ""},
      {gate("{metric: error_rate, max: 500ms}"), 5, 39, "'500ms' is not a percentage", ""},
      {gate("{metric: p95, max: 5%}"), 5, 32, "'5%' is not a duration", ""},
      {gate("{metric: error_rate, max: 5%, warn: 6%}"), 5, 49, "'warn' must be below 'max'", ""},
      {gate("{metric: error_rate, against: stable}"), 5, 13, "needs the key 'max_increase'", ""},
      {gate("{metric: error_rate, against: stabel, max_increase: 1%}"), 5, 43,
       "'against' must be one of stable", "stable"},
      {gate("{metric: error_rate, max_increase: 1%}"), 5, 34, "needs 'against: stable' beside it", ""},
      {gate("{prometheus: \"http://h:9090\", max: 5}"), 5, 13, "a gate of 'prometheus' needs the key 'query'",
       ""},
      {gate("{prometheus: \"http://h:9090\", query: q}"), 5, 13, "a gate of 'prometheus' needs the key 'max'",
       ""},
      {gate("{prometheus: \"h:9090\", query: q, max: 5}"), 5, 26, "'h:9090' is not a URL .* no scheme",
       "http://h:9090"},
      {gate("{http: \"ftp://h/x\"}"), 5, 20, "http:// and https:// are spoken here, not 'ftp://'",
       "http://h/x"},
      {gate("{http: \"http://\"}"), 5, 20, "it has no host", ""},
      {gate("{http: \"http:///x\"}"), 5, 20, "it has no host", ""},
      {gate("{http: \"http://h:99999/\"}"), 5, 20, "its port '99999' is not a number", ""},
      {gate("{http: \"http://h/a b\"}"), 5, 20, "blanks or control characters", ""},
      {gate("{http: \"http://h/a#b\"}"), 5, 20, "never sent to a server", "http://h/a"},
      {gate("{http: \"https://joe:pw1@h/x\"}"), 5, 20, "'https://\\*\\*\\*@h/x' .* basic_auth",
       "https://h/x"},
      {gate("{prometheus: \"http://joe:p/w#1@h:9090\", query: q, max: 5}"), 5, 26,
       "'http://\\*\\*\\*@h:9090' .* basic_auth", "http://h:9090"},
      {gate("{prometheus: \"http://h:9090/?q=1\", query: q, max: 5}"), 5, 26, "leave the query",
       "http://h:9090/"},
      {gate("{http: \"http://h\", ca: ca.pem}"), 5, 32, "only with an https:// URL", ""},
      {gate("{exec: ./x, bearer_file: t}"), 5, 25, "'bearer_file' has no meaning in a gate of 'exec'", ""},
      {gate("{http: \"http://h\", bearer_file: /no/such}"), 5, 45, "'/no/such' cannot be read .No such file",
       ""},
      {gate("{http: \"https://h\", ca: /no/such}"), 5, 37, "'/no/such' cannot be used", ""},
      {gate("{http: \"http://h\", basic_auth: {user: joe}}"), 5, 32, "needs the key 'password_file'", ""},
      {gate("{http: \"http://h\", basic_auth: {user: \"joe:pw\", password_file: /etc/hostname}}"), 5, 51,
       "a user holds no colon", ""},
      {gate("{http: \"http://h\", basic_auth: {user: joe, password_file: /no/such}}"), 5, 71,
       "'/no/such' cannot be read", ""},
      {gate("{prometheus: \"http://h\", query: q, max: nan}"), 5, 53, "'max' must be a number, not 'nan'",
       ""},
      {gate("{prometheus: \"http://h\", query: q, max: 5, on_empty: pass}"), 5, 66,
       "'on_empty' must be one of hold and fail", ""},
      {gate("{exec: ./x, max: 5}"), 5, 25, "'max' has no meaning in a gate of 'exec'", ""},
      {gate("{metric: p95, max: 1s, timeout: 5s}"), 5, 36, "'timeout' has no meaning in a gate of 'metric'",
       ""},
      {gate("{exec: ./x, timeout: 0s}"), 5, 34, "'0s' is too short", ""},
      {gate("{exec: \"\"}"), 5, 20, "'exec' is empty", ""},
      {gate("{metrics: p95, max: 1s}"), 5, 14, "unknown key 'metrics' in a gate", "metric"},
  });
}

}  // namespace
}  // namespace sluice::config
