// Bad services, pools, backends and policies.
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

TEST(BadConfig, Services) {
  expect_complaints({
      {service_7_5("ballance: hash"), 7, 5, "unknown key 'ballance' in service 'api'", "balance"},
      {service_7_5("health-check: {}"), 7, 5, "unknown key 'health-check'", "health_check"},
      {service_7_5("balance: leastrequests"), 7, 14, "must be one of round_robin, least_requests and hash",
       "least_requests"},
      {service_7_5("balance: random"), 7, 14, "must be one of .* not 'random'", ""},
      {service_7_5("balance:"), 7, 5, "'balance' has no value", ""},
      {service_7_5("stable: gren"), 7, 13, "service 'api' has no pool 'gren'", "green"},
      {service_7_5("slow_start: 1 hour"), 7, 17, "'1 hour' is not a duration", "1h"},
      {service_7_5("slow_start: 2 days"), 7, 17, "'2 days' is not a duration", "2d"},
      {service_7_5("slow_start: 1.0005s"), 7, 17, "finer than a millisecond", ""},
      {service_7_5("slow_start: soon"), 7, 17, "'soon' is not a duration", ""},
      {service_7_5("debug_headers: {}"), 7, 20, "'debug_headers' must be true or false, not a map", ""},
      {service_7_5("grpc_web: h2"), 7, 15, "'grpc_web' must be true or false, not 'h2'", ""},
      {service_7_5("grpcweb: on"), 7, 5, "unknown key 'grpcweb'", "grpc_web"},
      {service_7_5("balance: hash\n  api: {}"), 8, 3,
       "duplicate key 'api' in 'services', it stands in line 4 already", ""},
      {top_3_1("routes: []\nservices: {}"), 4, 1, "duplicate key 'services'", ""},
      {"listeners: [{name: web, bind: \"h:1\"}]\nservices: [api]\nroutes: [{service: api}]\n", 2, 11,
       "'services' must be a map, not a list", ""},
      {"listeners: [{name: web, bind: \"h:1\"}]\nservices: {api: blue}\n", 2, 17,
       "service 'api' must be a map, not 'blue'", ""},
      {"listeners: [{name: web, bind: \"h:1\"}]\nservices: {api: {}}\n", 2, 12,
       "service 'api' needs the key 'pools'", ""},
      {"listeners: [{name: web, bind: \"h:1\"}]\nservices: {a/b: {pools: {p: {backends: []}}}}\n", 2, 12,
       "'a/b' is not a name", ""},
  });
}

// The index of a pool is one byte where users' slots are kept.
TEST(BadConfig, TooManyPools) {
  const auto pools = [](int count) {
    std::string text = "pools: {", split = "}\n    split: {p0: 100%";
    for (int i = 0; i < count; ++i) {
      text += (i ? ", p" : "p") + std::to_string(i) + ": {backends: []}";
      if (i > 0) split += ", p" + std::to_string(i) + ": 0%";
    }
    return pools_5_5(text + split + "}");
  };
  expect_complaints(
      {{pools(251), 5, 5, "service 'api' has 251 pools, more than the 250 that a service can have", ""}});
  EXPECT_TRUE(load_text(pools(250), "good.yaml").spec);
}

TEST(BadConfig, PoolsAndBackends) {
  expect_complaints({
      {pools_5_5("pool: {a: {backends: []}}"), 5, 5, "unknown key 'pool' in service 'api'", "pools"},
      {pools_5_5("pools: {}"), 5, 5, "service 'api' has no pool, it needs at least one", ""},
      {pools_5_5("pools: [a, b]"), 5, 12, "'pools' must be a map, not a list", ""},
      {pools_5_5("pools: {a: {}}"), 5, 13, "pool 'a' needs the key 'backends'", ""},
      {pools_5_5("pools: {a: {backend: []}}"), 5, 17, "unknown key 'backend' in pool 'a'", "backends"},
      {pools_5_5("pools: {a: {backends: \"h:1\"}}"), 5, 27, "'backends' must be a list, not 'h:1'", "[h:1]"},
      {pools_5_5("pools: {a: {backends: }}"), 5, 17,
       "'backends' has no value, it must be a list, such as \\[\\]", ""},
      {pools_5_5("pools: {a: {backends: []}, a: {backends: []}}"), 5, 32, "duplicate key 'a' in 'pools'", ""},
      {pools_5_5("pools: {a=b: {backends: []}}"), 5, 13, "'a=b' is not a name", ""},
      {pools_5_5("pools: {a: {backends: [], protocol: h3}}"), 5, 41, "must be one of h1, h2 and auto", "h1"},
      {pools_5_5("pools: {a: {backends: [], protocol: auto, proxy_protocol: v2}}"), 5, 13,
       "pool 'a' cannot have a 'proxy_protocol'.* over HTTP/2 clients share connections", ""},
      {pools_5_5("pools: {a: {backends: [], proxy_protocol: v3}}"), 5, 47, "must be one of off, v1 and v2",
       "v1"},
      {pools_5_5("pools: {a: {backends: [[h, 1]]}}"), 5, 28, "a backend must be an address", ""},
      {pools_5_5("pools: {a: {backends: [~]}}"), 5, 28, "a backend must be an address", ""},
      {pools_5_5("pools: {a: {backends: [\"h:0\"]}}"), 5, 28, "its port '0' is not a number from 1 to 65535",
       ""},
      {pools_5_5("pools: {a: {backends: [\"h:70000\"]}}"), 5, 28, "its port '70000' is not a number", ""},
      {pools_5_5("pools: {a: {backends: [localhost]}}"), 5, 28,
       "'localhost' is not an address, it has no port", ""},
      {pools_5_5("pools: {a: {backends: [\"h:1\", \"h:1\"]}}"), 5, 35, "duplicate backend 'h:1' in pool 'a'",
       ""},
      {pools_5_5("pools: {a: {backends: [{name: x, address: \"h:1\"}, {name: x, address: \"h:2\"}]}}"), 5, 55,
       "duplicate backend 'x' in pool 'a'", ""},
      {pools_5_5("pools: {a: {backends: [{name: x}]}}"), 5, 28, "a backend needs the key 'address' or 'srv'",
       ""},
      {pools_5_5("pools: {a: {backends: [{adress: \"h:1\"}]}}"), 5, 29, "unknown key 'adress' in a backend",
       "address"},
      {pools_5_5("pools: {a: {backends: [{address: \"h:1\", weight: 1001}]}}"), 5, 53,
       "a whole number from 0 to 1000, not '1001'", ""},
      {pools_5_5("pools: {a: {backends: [{address: \"h:1\", weight: -1}]}}"), 5, 53,
       "a whole number from 0 to 1000, not '-1'", ""},
      {pools_5_5("pools: {a: {backends: [{address: \"h:1\", weight: 1.5}]}}"), 5, 53, "a whole number", ""},
      {pools_5_5("pools: {a: {backends: [{address: \"h:1\", weight: heavy}]}}"), 5, 53,
       "a whole number .* not 'heavy'", ""},
  });
}

std::string split(const std::string& text) {
  return pools_5_5("pools: {blue: {backends: []}, green: {backends: []}}\n    split: " + text);
}

TEST(BadConfig, Splits) {
  expect_complaints({
      {split("{blue: 95%, green: 10%}"), 6, 5,
       "the shares of service 'api' add up to 105 % \\(blue 95 % \\+ green 10 %\\)", ""},
      {split("{blue: 95%, green: 4.999%}"), 6, 5, "add up to 99.999 %", ""},
      {split("{blue: 50%}"), 6, 5, "add up to 50 %", ""},
      {split("{blue: 95%, gren: 5%}"), 6, 24, "service 'api' has no pool 'gren'", "green"},
      {split("{blue: 95, green: 5%}"), 6, 19, "'95' is not a percentage, write it with its sign", "95%"},
      {split("{blue: 0.95, green: 5%}"), 6, 19, "'0.95' is not a percentage", ""},
      {split("{blue: 101%, green: 0%}"), 6, 19, "'101%' is more than 100 %", ""},
      {split("{blue: 99.9999%, green: 0%}"), 6, 19, "finer than 0.001 %", ""},
      {split("{blue: 99%, green: -1%}"), 6, 31, "'-1%' is negative", ""},
      {split("{blue: 99%, green: most}"), 6, 31, "'most' is not a percentage", ""},
      {split("{blue: 99%, green: [1%]}"), 6, 31,
       "the share of 'green' must be a percentage such as 5%, not a list", ""},
      {split("{blue: 99%, green: }"), 6, 24, "the share of 'green' has no value", ""},
      {split("{blue: 50%, blue: 50%}"), 6, 24, "duplicate key 'blue' in 'split'", ""},
      {split("[95%, 5%]"), 6, 12, "'split' must be a map, not a list", ""},
      {split("{}"), 6, 5, "has 2 pools and no split", ""},
      {pools_5_5("pools: {blue: {backends: []}, green: {backends: []}}"), 4, 3,
       "service 'api' has 2 pools and no split, .* such as split: \\{blue: 100%, green: 0%\\}", ""},
      {pools_5_5("pools: {blue: {backends: []}, green: {backends: []}}\n    spilt: {blue: 100%}"), 6, 5,
       "unknown key 'spilt'", "split"},
  });
}

TEST(BadConfig, Stickiness) {
  expect_complaints({
      {service_7_5("sticky: {}"), 7, 5, "'sticky' needs the key 'keys'", ""},
      {service_7_5("sticky: {keys: []}"), 7, 20, "'keys' is empty", ""},
      {service_7_5("sticky: {keys: ip}"), 7, 20, "'keys' must be a list, not 'ip'", "[ip]"},
      {service_7_5("sticky: {key: [ip]}"), 7, 14, "unknown key 'key' in 'sticky'", "keys"},
      {service_7_5("sticky: {keys: [header]}"), 7, 21, "'header' is not a sticky key, write header:NAME", ""},
      {service_7_5("sticky: {keys: [\"header:\"]}"), 7, 21, "is not a sticky key", ""},
      {service_7_5("sticky: {keys: [cokie:session]}"), 7, 21, "'cokie:session' is not a sticky key",
       "cookie:session"},
      {service_7_5("sticky: {keys: [pi]}"), 7, 21, "'pi' is not a sticky key", "ip"},
      {service_7_5("sticky: {keys: [\"header:X User\"]}"), 7, 21, "'X User' is not a header name", ""},
      {service_7_5("sticky: {keys: [\"cookie:a;b\"]}"), 7, 21, "'a;b' is not a cookie name", ""},
      {service_7_5("sticky: {keys: [ip, ip]}"), 7, 25, "duplicate sticky key 'ip'", ""},
      {service_7_5("sticky: {keys: [{header: X}]}"), 7, 21, "a sticky key must be a text, not a map", ""},
      {service_7_5("sticky: {keys: [ip], issue_cookie: \"a b\"}"), 7, 40, "'a b' is not a cookie name", ""},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {nam: a}}"), 7, 41, "unknown key 'nam'", "name"},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: a, max_age: 1500ms}}"), 7, 59,
       "'max_age' is in whole seconds", ""},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: a, domain: .a.b}}"), 7, 58,
       "'.a.b' is not a cookie's domain", "a.b"},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: a, domain: \"a.b:80\"}}"), 7, 58,
       "'a.b:80' is not a cookie's domain", ""},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: a, path: shop}}"), 7, 56,
       "'shop' is not a path", "/shop"},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: a, path: \"/a;b\"}}"), 7, 56,
       "'/a;b' is not a cookie's path", ""},
      {service_7_5("sticky: {keys: [ip], issue_cookie: {name: __Host-a, domain: a.b}}"), 7, 40,
       "a cookie whose name begins with __Host- has no 'domain'", ""},
  });
}

TEST(BadConfig, HealthChecksAndEjection) {
  expect_complaints({
      {service_7_5("health_check: yes"), 7, 19, "'health_check' must be a map, not 'yes'", ""},
      {service_7_5("health_check: {pth: /}"), 7, 20, "unknown key 'pth' in 'health_check'", "path"},
      {service_7_5("health_check: {path: health}"), 7, 26, "a path begins with /", "/health"},
      {service_7_5("health_check: {path: \"/a b\"}"), 7, 26, "holds no blank", ""},
      {service_7_5("health_check: {path: \"/a?b c\"}"), 7, 26, "a query holds no blank", ""},
      {service_7_5("health_check: {interval: 0s}"), 7, 30, "too short, at least 1ms", ""},
      {service_7_5("health_check: {interval: 2}"), 7, 30, "'2' is not a duration", "2s"},
      {service_7_5("health_check: {timeout: 1sec}"), 7, 29, "'1sec' is not a duration", "1s"},
      {service_7_5("health_check: {rise: 0}"), 7, 26, "from 1 to 1000, not '0'", ""},
      {service_7_5("health_check: {fall: three}"), 7, 26, "from 1 to 1000, not 'three'", ""},
      {service_7_5("health_check: {expect: 2xx}"), 7, 28, "a status or a range", ""},
      {service_7_5("health_check: {expect: 399-200}"), 7, 28, "a status or a range", ""},
      {service_7_5("health_check: {expect: 200-600}"), 7, 28, "from 100 to 599", ""},
      {service_7_5("health_check: {expect: 200-}"), 7, 28, "a status or a range", ""},
      {service_7_5("health_check: {host: \"a b\"}"), 7, 26, "'a b' is not a Host header", ""},
      {service_7_5("outlier: {ejection: forever}"), 7, 25, "'forever' is not a duration", ""},
      {service_7_5("outlier: {consecutive_error: 1}"), 7, 15, "unknown key 'consecutive_error'",
       "consecutive_errors"},
      {service_7_5("outlier: {min_available: -2}"), 7, 30, "a whole number from 0", ""},
  });
}

TEST(BadConfig, RetriesTimeoutsLimits) {
  expect_complaints({
      {service_7_5("retry: {attempts: 3}"), 7, 5,
       "unknown key 'retry' in service 'api', its keys are pools, split", ""},
      {service_7_5("retries: {attempts: 0}"), 7, 25, "from 1 to 100, not '0'", ""},
      {service_7_5("retries: {on: connect}"), 7, 19, "'on' must be a list, not 'connect'", "[connect]"},
      {service_7_5("retries: {on: [conect]}"), 7, 20, "'on' lists connect, reset, timeout or a status",
       "connect"},
      {service_7_5("retries: {on: [404]}"), 7, 20, "a status from 500 to 599, not '404'", ""},
      {service_7_5("retries: {on: [5xx]}"), 7, 20, "a status from 500 to 599, not '5xx'", ""},
      {service_7_5("retries: {on: [502, 502]}"), 7, 25, "duplicate cause '502'", ""},
      {service_7_5("retries: {on_grpc: unavailable}"), 7, 24, "'on_grpc' must be a list", "[unavailable]"},
      {service_7_5("retries: {on_grpc: [unavailble]}"), 7, 25, "'on_grpc' lists statuses of gRPC by name",
       "unavailable"},
      {service_7_5("retries: {on_grpc: [ok]}"), 7, 25, "'on_grpc' lists statuses of gRPC by name", ""},
      {service_7_5("retries: {on_grpc: [aborted, aborted]}"), 7, 34, "duplicate status 'aborted'", ""},
      {service_7_5("retries: {budget: 0.2}"), 7, 23, "'0.2' is not a percentage", ""},
      {service_7_5("retries: {budget: 20}"), 7, 23, "'20' is not a percentage", "20%"},
      {service_7_5("retries: {rescue: canary}"), 7, 23,
       "'rescue' must be one of stable and none, not 'canary'", ""},
      {service_7_5("retries: {rescue: stabel}"), 7, 23, "'rescue' must be one of", "stable"},
      {service_7_5("timeouts: {conect: 1s}"), 7, 16, "unknown key 'conect' in 'timeouts'", "connect"},
      {service_7_5("timeouts: {response: 0s}"), 7, 26, "'0s' is too short", ""},
      {service_7_5("timeouts: 5s"), 7, 15, "'timeouts' must be a map, not '5s'", ""},
      {service_7_5("limits: {in_flight: 0}"), 7, 25, "from 1 to 10000000, not '0'", ""},
      {service_7_5("limits: {in_flight: 18446744073709551616}"), 7, 25, "from 1 to 10000000", ""},
      {service_7_5("limits: {queue_time: 0s}"), 7, 26, "'0s' is too short", ""},
      {service_7_5("limits: {body: lots}"), 7, 20, "'lots' is not a size", ""},
      {service_7_5("rate_limit: {burst: 5}"), 7, 5, "'rate_limit' needs the key 'rate'", ""},
      {service_7_5("rate_limit: {rate: 100}"), 7, 24, "'100' is not a rate, write 100/s, 30/m or 5/h",
       "100/s"},
      {service_7_5("rate_limit: {rate: 0/s}"), 7, 24, "'0/s' is not a rate", ""},
      {service_7_5("rate_limit: {rate: 2000000/s}"), 7, 24, "at most 1000000 of them", ""},
      {service_7_5("rate_limit: {rate: 5/d}"), 7, 24, "'5/d' is not a rate", ""},
      {service_7_5("rate_limit: {rate: 5/s, burst: 0}"), 7, 36, "from 1 to 1000000, not '0'", ""},
      {service_7_5("rate_limit: {rate: 5/s, key: user}"), 7, 34, "'user' is not a sticky key", ""},
      {service_7_5("assets: {on: [404]}"), 7, 5, "'assets' needs the key 'match'", ""},
      {service_7_5("assets: {match: static}"), 7, 21, "'static' is not a path", "/static"},
      {service_7_5("assets: {match: []}"), 7, 21, "'match' is empty", ""},
      {service_7_5("assets: {match: [/a, /a]}"), 7, 26, "duplicate path '/a'", ""},
      {service_7_5("assets: {match: /a, on: [500]}"), 7, 30,
       "statuses from 400 to 499, such as 404, not '500'", ""},
      {service_7_5("assets: {match: /a, on: [404, 404]}"), 7, 35, "duplicate status '404' in 'on'", ""},
      {service_7_5("assets: {match: /a, on: []}"), 7, 29, "'on' is empty", ""},
      {service_7_5("assets: {math: /a}"), 7, 14, "unknown key 'math' in 'assets'", "match"},
      {service_7_5("limits: {queue: 1k}"), 7, 21, "from 0 to 10000000, not '1k'", ""},
  });
}

}  // namespace
}  // namespace sluice::config
