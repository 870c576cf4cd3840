// The verbs that shift traffic at once and take it back: split, cutover, confirm, rollback, undo, redo, and
// reload. See describe.hpp and words.hpp for what they say of themselves. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/describe.hpp"
#include "control/protocol/gates.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

// "5%" or 0.05; nothing, and `why`, when it is neither.
std::optional<Share> share_from(const boost::json::value& value, std::string& why);

using Shares = std::vector<std::pair<std::string, Share>>;

// {"blue":"95%","green":0.05}
struct Split {
  std::string service;
  Shares shares;
  std::string rest;                            // this pool gets what the others leave
  std::optional<milliseconds> confirm_within;  // it reverts unless it is confirmed by then (C8)

  static constexpr Route kRoutes[] = {{"PUT", "/v1/services/{service}/split"}};
  static constexpr Page kPage{
      "split SERVICE POOL=SHARE... [--rest POOL]",
      "Sets the share table in one change. Shares add up to 100%, or --rest names the pool that gets what is "
      "left.",
      "  sluicectl split api blue=95% green=5%\n  sluicectl split api green=0.5% --rest blue --dry-run\n"};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void query(auto& self, auto& visit) {
    visit("rest", self.rest);
    visit("confirm_within", self.confirm_within);
  }
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.service, kServices);
    visit.words("POOL=SHARE", self.shares, kShares);
    visit.flag("--rest POOL", self.rest, "this pool gets what the others leave");
    visit.flag("--confirm-within 5m", self.confirm_within,
               "reverts by itself unless `sluicectl confirm` comes in time");
    visit.dry_run();
    visit.force();
  }
};
boost::json::object to_json(const Split& split);
std::optional<Problem> read(const boost::json::value& body, Split& split);
// What is wrong with it whatever the service's pools are: none, or one that is named twice. What the shares
// add up to is said by whoever knows the pools: a pool that is not there is the first thing to tell.
std::optional<Problem> check(const Split& split);

// {"services":{"api":"green"}}
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

  static constexpr Route kRoutes[] = {{"POST", "/v1/cutover"}};
  static constexpr Page kPage{
      "cutover SERVICE=POOL...",
      "Gives 100% to a pool, for one or several services in one generation. With checks: when all of them\n"
      "passed; when one fails nothing changes, exit 6.",
      "  sluicectl cutover api=green\n  sluicectl cutover api=green --verify /health=200 --exec-before "
      "./smoke-test.sh\n  sluicectl cutover api=green web=green --wait-drained=30s\n"
      "  sluicectl cutover api=green --watch-for 15m --max-error-rate 5%\n"};
  static void fields(auto& self, auto& visit) {
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
  static void words(auto& self, auto& visit) {
    visit.words("SERVICE=POOL", self.services, kMoves);
    visit.flag("--wait-drained[=30s]", FlagFor{self.wait_drained, self.wait_timeout},
               "return when the pools left behind have nothing in flight");
    visit.flag("--confirm-within 5m", self.confirm_within,
               "reverts by itself unless `sluicectl confirm` comes in time");
    visit.flag("--retain 1h", self.retain,
               "so long the pools left behind stay as they are; default: the service's retain");
    visit.flag("--watch-for 15m", self.watch_for,
               "watches the new pool so long by the limits below, and goes back when one fails");
    visit.flag("--min-requests N", at_most(self.min_requests, kMostRequests), "for --watch-for, default 50");
    visit.flag("--supersede", self.supersede, "for --watch-for: aborts an active rollout first");
    Checks::words(self.checks, visit);
    Limits::words(self.limits, visit);
    visit.dry_run();
    visit.force();
  }
  std::optional<milliseconds> extra_time() const {
    if (checks.any()) return std::nullopt;  // each check has its own time
    return wait_drained ? wait_timeout : milliseconds(0);
  }
};
std::optional<Problem> check(const Cutover& cutover);  // no service, or one named twice

// {"services":["api"]}
struct Confirm {
  Strings services;

  static constexpr Route kRoutes[] = {{"POST", "/v1/confirm"}};
  static constexpr Page kPage{"confirm SERVICE...", "What was changed with --confirm-within stays.",
                              "  sluicectl confirm api\n"};
  static void fields(auto& self, auto& visit) { visit("services", self.services); }
  static void words(auto& self, auto& visit) {
    visit.words("SERVICE", self.services, kServices);
    visit.dry_run();
  }
  std::string subject() const { return services.size() == 1 ? services.front() : std::string(); }
};
std::optional<Problem> check(const Confirm& confirm);

// One service stands in the path, several in the body: {"services":["api","web"]}
struct Rollback {
  Strings services;

  static constexpr Route kRoutes[] = {{"POST", "/v1/services/{service}/rollback"}, {"POST", "/v1/rollback"}};
  static constexpr Page kPage{
      "rollback SERVICE...",
      "Undoes the last shift that is still in force, at once: back to the last stable table. What a gate, an "
      "abort or\n"
      "a missing confirmation took back already is unchanged, and who did it and when is said.",
      "  sluicectl rollback api --reason 'INC-12: 500s on /pay'\n"};
  static void names(auto& self, auto& visit) { visit.only("service", self.services); }
  static void fields(auto& self, auto& visit) {
    if (self.services.size() != 1) visit("services", self.services);
  }
  static void words(auto& self, auto& visit) {
    visit.words("SERVICE", self.services, kServices);
    visit.dry_run();
    visit.force();
  }
};
std::optional<Problem> check(const Rollback& rollback);

// {"to_generation":7}
struct Undo {
  std::optional<std::uint64_t> to_generation;  // absent: one step back

  static constexpr Route kRoutes[] = {{"POST", "/v1/undo"}};
  static constexpr Page kPage{
      "undo [--to-generation N]",
      "Takes the last change back, whatever verb made it; typed again, the one before it. Says what is as it "
      "was.\n"
      "A rollout is one change from its start to its end, and is aborted first if it is active.",
      "  sluicectl undo\n  sluicectl undo --to-generation 41\n"};
  static void fields(auto& self, auto& visit) { visit("to_generation", self.to_generation); }
  static void words(auto& self, auto& visit) {
    visit.flag("--to-generation N", self.to_generation, "all as it was at that generation");
    visit.dry_run();
    visit.force();
  }
};

struct Redo {
  static constexpr Route kRoutes[] = {{"POST", "/v1/redo"}};
  static constexpr Page kPage{"redo",
                              "Makes the change again that undo took back last, until there is a new change.",
                              "  sluicectl redo\n"};
  static void fields(auto&, auto&) {}
  static void words(auto&, auto& visit) {
    visit.dry_run();
    visit.force();
  }
};

struct Reload {
  static constexpr Route kRoutes[] = {{"POST", "/v1/reload", Role::admin}};
  static constexpr Page kPage{"reload",
                              "Reads the configuration again; a wrong one is refused and the old one stays.",
                              "  sluicectl reload\n"};
  static void words(auto&, auto& visit) { visit.dry_run(); }
};

// {"binary":"/usr/bin/sluiced"}
struct Upgrade {
  std::string binary;  // a path; empty: where this daemon was started from

  // The new program checks the configuration; then it starts, and asks names and backends.
  static constexpr milliseconds kCheckedWithin{20'000}, kReadyWithin{30'000};
  static milliseconds extra_time() { return milliseconds(60'000); }

  static constexpr Route kRoutes[] = {{"POST", "/v1/upgrade", Role::admin}};
  static constexpr Page kPage{"upgrade [--binary PATH]",
                              "Another process takes the daemon's place, by default of the same path: it "
                              "gets the listening sockets and\n"
                              "the state, proves that it is ready, and has all new connections when this "
                              "returns. No request is lost. The\n"
                              "old process answers what it has, for shutdown_timeout at most. When the new "
                              "one fails, the old one goes on.",
                              "  sluicectl upgrade\n  sluicectl upgrade --binary /opt/sluice/bin/sluiced\n"};
  static void fields(auto& self, auto& visit) { visit("binary", self.binary); }
  static void words(auto& self, auto& visit) {
    visit.flag("--binary PATH", self.binary, "the program; it is asked to check the configuration first");
    visit.dry_run();
  }
};

using ShiftVerbs = List<Split, Cutover, Confirm, Rollback, Undo, Redo>;

}  // namespace sluice::protocol
