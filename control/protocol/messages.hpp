// What sluicectl asks and the daemon answers: one struct per verb, the same for both sides. What stands in a
// URL (a service, a target) is in the struct and not among its JSON fields.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/fields.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

// What every change may say of itself: ?dry_run=true, ?force=true (or a field of the body), ?reason=,
// If-Match.
struct ChangeOptions {
  bool dry_run = false;
  bool force = false;  // publish although a pool that gets share has no eligible backend (C5)
  std::string reason;  // for the audit line
  std::optional<std::uint64_t> if_generation;
  // ?step=N: it goes on with what generation N began, and undo takes both back together (C9). 0: on its own.
  std::uint64_t step = 0;
};

// "5%" or 0.05; nothing, and `why`, when it is neither.
std::optional<Share> share_from(const boost::json::value& value, std::string& why);

// PUT /v1/services/S/split[?rest=POOL&confirm_within=5m] {"blue":"95%","green":0.05}
struct Split {
  std::string service;
  std::vector<std::pair<std::string, Share>> shares;
  std::string rest;                            // this pool gets what the others leave
  std::optional<milliseconds> confirm_within;  // it reverts unless it is confirmed by then (C8)
};
boost::json::object to_json(const Split& split);
std::optional<Problem> read(const boost::json::value& body, Split& split);
// What is wrong with it whatever the service's pools are: none, or one that is named twice. What the shares
// add up to is said by who knows the pools: a pool that is not there is the first thing to tell.
std::optional<Problem> check(const Split& split);

// What a rollout is judged by when no plan says it: limits that the operator gave.
struct Limits {
  std::string max_error_rate, max_error_increase, max_saturation;  // "5%"; the increase is against stable
  std::optional<milliseconds> max_p50, max_p90, max_p95, max_p99;
  std::optional<milliseconds> max_p95_increase;  // against stable
  Strings exec, http;                            // hooks that have to agree
  bool any() const {
    return !max_error_rate.empty() || !max_error_increase.empty() || !max_saturation.empty() || max_p50 ||
           max_p90 || max_p95 || max_p99 || max_p95_increase || !exec.empty() || !http.empty();
  }
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
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
};

// What has to pass before the new pool gets its first request.
struct Checks {
  Strings verify;       // "/health", "/ready=204", "/x=200-299": every ready backend must answer so
  Strings exec_before;  // commands that must agree by exit 0, each once for each service
  std::optional<milliseconds> exec_timeout;  // of each of them
  bool any() const { return !verify.empty() || !exec_before.empty(); }
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("verify", self.verify);
    visit("exec_before", self.exec_before);
    visit("exec_timeout", self.exec_timeout);
  }
};

// POST /v1/cutover {"services":{"api":"green"}}
struct Cutover {
  StringPairs services;                      // service -> pool
  bool wait_drained = false;                 // answer only when the pools left behind have nothing in flight
  std::optional<milliseconds> wait_timeout;  // for wait_drained; without one as long as it takes
  std::optional<milliseconds> confirm_within;  // it reverts unless it is confirmed by then (C8)
  std::optional<milliseconds> watch_for;       // a rollout of one step that is watched so long
  Limits limits;                               // for watch_for
  std::optional<std::uint32_t> min_requests;   // for watch_for
  bool supersede = false;                      // for watch_for
  std::optional<milliseconds> retain;          // so long the pools left behind stay; absent: the service's
  Checks checks;                               // pass before the change, else there is none
  bool force = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("services", self.services);
    visit("wait_drained", self.wait_drained);
    visit("wait_timeout", self.wait_timeout);
    visit("confirm_within", self.confirm_within);
    visit("watch_for", self.watch_for);
    visit("min_requests", self.min_requests);
    visit("supersede", self.supersede);
    visit("retain", self.retain);
    visit("force", self.force);
    Limits::fields(self.limits, visit);
    Checks::fields(self.checks, visit);
  }
};

std::optional<Problem> check(const Cutover& cutover);  // no service, or one named twice

// POST /v1/services/S/rollback, or POST /v1/rollback {"services":["api","web"]}
struct Rollback {
  Strings services;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("services", self.services);
  }
};

// POST /v1/confirm {"services":["api"]}
struct Confirm {
  Strings services;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("services", self.services);
  }
};

// POST /v1/services/S/rollout {"to":"green","plan":"careful"}, or of several services that move in step
// POST /v1/rollout {"services":{"api":"green","web":"green"},"plan":"careful"}. The plan is one of the
// configuration, or the text of a file, or made of steps and limits.
struct RolloutStart {
  std::string service;               // empty: `services`
  std::string to;                    // of `service`
  StringPairs services;              // service -> pool
  std::string plan;                  // a name in the configuration
  std::string plan_text, plan_file;  // YAML, and what messages call it
  Strings steps;                     // "5%", or "5%:10m" with its own hold
  std::optional<milliseconds> hold;  // of the steps without their own
  std::optional<std::uint32_t> min_requests;
  Limits limits;
  Checks checks;  // before the first step, beside those of the plan
  std::optional<milliseconds> retain;
  bool approve = false;  // every step waits for `promote`
  bool supersede = false;
  bool force = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("to", self.to);
    visit("services", self.services);
    visit("plan", self.plan);
    visit("plan_text", self.plan_text);
    visit("plan_file", self.plan_file);
    visit("steps", self.steps);
    visit("hold", self.hold);
    visit("min_requests", self.min_requests);
    Limits::fields(self.limits, visit);
    Checks::fields(self.checks, visit);
    visit("retain", self.retain);
    visit("approve", self.approve);
    visit("supersede", self.supersede);
    visit("force", self.force);
  }
};
std::optional<Problem> check(const RolloutStart& start);
// All services and their pools, however they were named.
StringPairs services_of(const RolloutStart& start);

// PATCH /v1/services/S/rollout {"action":"promote","full":true}
struct RolloutAct {
  enum class Action : std::uint8_t { pause, resume, promote, abort } action = Action::pause;
  std::string service;
  std::string word;   // of the action, as it came
  bool full = false;  // promote: at once to the last step
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("action", self.word);
    visit("full", self.full);
  }
};
std::string to_string(RolloutAct::Action action);
std::optional<RolloutAct::Action> parse_action(std::string_view text);

// POST /v1/undo {"to_generation":7}
struct Undo {
  std::optional<std::uint64_t> to_generation;  // absent: one step back
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("to_generation", self.to_generation);
  }
};

// POST /v1/redo has no fields.
struct Redo {
  template <class Self, class Visit>
  static void fields(Self&, Visit&) {}
};

inline constexpr milliseconds kDrainTimeout{30'000};

// POST /v1/services/S/pools/P[/backends/B]/drain
struct Drain {
  Target target;
  milliseconds timeout =
      kDrainTimeout;  // what is left then is closed and counted (D3); 0: as long as it takes
  bool wait = false;  // answer only when drained
  Websockets websockets;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("timeout", self.timeout);
    visit("wait", self.wait);
    visit("websockets", self.websockets);
  }
};

// POST .../ready and .../maint have no fields.
struct NoFields {
  template <class Self, class Visit>
  static void fields(Self&, Visit&) {}
};

// PATCH /v1/services/S/pools/P/backends/B {"weight":2}
struct Weight {
  Target target;
  std::optional<std::uint32_t> weight;  // required; 0 to 1000
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("weight", self.weight);
  }
};

// PUT /v1/services/S/pools/P/backends/B {"address":"127.0.0.1:9003","weight":1}
struct Add {
  Target target;        // backend: the name
  std::string address;  // empty: the name is the address
  std::uint32_t weight = 1;
  std::optional<milliseconds> wait_healthy;  // answer only when it is up, or this long has passed
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("address", self.address);
    visit("weight", self.weight);
    visit("wait_healthy", self.wait_healthy);
  }
};

// DELETE /v1/services/S/pools/P/backends/B[?timeout=30s&websockets=now]: drains, then takes it out.
struct Remove {
  Target target;
  milliseconds timeout = kDrainTimeout;
  Websockets websockets;
};

// GET /v1/wait?for=healthy&target=api/green&timeout=30s
struct Wait {
  enum class Condition : std::uint8_t { healthy, drained } condition = Condition::healthy;
  Target target;
  std::optional<milliseconds> timeout;  // absent: as long as it takes
};
std::string to_string(Wait::Condition condition);
std::optional<Wait::Condition> parse_condition(std::string_view text);

// POST /v1/explain {"method":"GET","url":"http://api.example.com/a","headers":[["Cookie","uid=42"]]}
struct Explain {
  std::string method = "GET";
  std::string url;                   // absolute, or a path; Host may come as a header then
  Strings headers;                   // "Name: value", in order
  std::string listener;              // empty: one without fixed pools
  std::string client = "127.0.0.1";  // the client's address, for the key `ip`
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("method", self.method);
    visit("url", self.url);
    visit("headers", self.headers);
    visit("listener", self.listener);
    visit("client", self.client);
  }
};

// GET /v1/history?service=api&limit=50
struct History {
  std::string service;  // empty: all
  std::uint32_t limit = 50;
};

// GET /v1/events?follow=false&service=api
struct Events {
  bool follow = true;
  std::optional<std::uint64_t> after;  // only events with a larger id (Last-Event-ID)
  std::string service;                 // empty: all
};

// The answer to every change. `before` and `after` have the shape of what the request's path names: of one
// service its shares
// ("blue":"95%"), of a backend its values, of everything else an object by service.
struct Changed {
  std::uint64_t generation = 0;  // the one in force now
  bool changed = false;
  bool dry_run = false;
  boost::json::value before, after;
  std::string undo;     // a command line; empty when nothing changed
  bool durable = true;  // false: in force, but the disk did not take it (C7)
  double took_ms = 0;
  boost::json::object more;  // what else the verb has to say: "drained", "conflicts", "warnings" ...
};
boost::json::object to_json(const Changed& changed);
std::optional<Problem> read(const boost::json::value& body, Changed& changed);

// How a drain ended (D3).
struct Drained {
  std::uint64_t clean = 0;   // finished by themselves
  std::uint64_t forced = 0;  // closed at the deadline
  milliseconds took{0};
};
boost::json::object to_json(const Drained& drained);

}  // namespace sluice::protocol
