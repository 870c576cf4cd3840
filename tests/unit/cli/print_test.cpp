// What people read: snapshots of the tables and sentences.
#include "control/cli/print.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "control/cli/run.hpp"

namespace sluice::cli {
namespace {

namespace json = boost::json;

const Style kPlain{};

template <class Answer>
Answer answer(const char* text) {
  return protocol::answer_from<Answer>(json::parse(text));
}

const auto kPrinted =
    answer<protocol::Status>(R"({"generation":7,"warnings":["not durable: disk full"],"services":{
  "api":{"stable":"blue","rollout":null,"pools":{
    "blue":{"share":0.95,"share_measured":0.9501,"requests":1000,"errors":1,"in_flight":37,"requests_per_second":412.04,"error_rate":0.0012,
      "p50_ms":2.13,"p95_ms":140.2,"p99_ms":301,"backends":{
        "127.0.0.1:9001":{"admin":"ready","health":"up","weight":1,"in_flight":20,"requests":600,"errors":1,"eligible":true,"address":"127.0.0.1:9001"},
        "api-2":{"admin":"draining","health":"up","weight":2,"in_flight":2,"requests":400,"errors":0,"eligible":false,"address":"127.0.0.1:9002",
          "drain":{"running_ms":2000,"left_ms":28000,"finished":false,"requests":1,"tunnels":1,"oldest_ms":4200,"oldest_path":"/slow"}}}},
    "green":{"share":0.05,"share_measured":null,"requests":0,"errors":0,"in_flight":0,"requests_per_second":0,"error_rate":null,
      "p50_ms":null,"p95_ms":null,"p99_ms":null,"backends":{
        "127.0.0.1:9101":{"admin":"ready","health":"down","weight":1,"in_flight":0,"requests":0,"errors":0,"eligible":false,
          "address":"127.0.0.1:9101","last_error":"connection refused"}}}}},
  "web":{"stable":"v1","set_aside":"its certificate cannot be read","pools":{}}}})");

TEST(Print, StatusOfAllServices) {
  EXPECT_EQ(
      render_status(kPrinted, "", kPlain),
      "api   stable blue, generation 7\n"
      "POOL           SHARE  MEASURED  REQ/S  ERR %  P50 MS  P95 MS  P99 MS  IN FLIGHT  BACKENDS\n"
      "blue (stable)    95%     95.0%  412.0   0.12     2.1     140     301         37  1/2 up, api-2 "
      "draining\n"
      "green             5%         -    0.0      -       -       -       -          0  0/1 up, "
      "127.0.0.1:9101 down\n"
      "drain api/blue/api-2: 1 requests and 1 tunnels left, the oldest /slow since 4.2s, closed in 28s\n"
      "\n"
      "web   stable v1, generation 7\n"
      "set aside: its certificate cannot be read\n"
      "POOL  SHARE  MEASURED  REQ/S  ERR %  P50 MS  P95 MS  P99 MS  IN FLIGHT  BACKENDS\n"
      "warning: not durable: disk full\n");
}

TEST(Print, StatusOfOneServiceHasItsBackends) {
  const auto text = render_status(kPrinted, "api", kPlain);
  EXPECT_NE(
      text.find("POOL   BACKEND         ADMIN     HEALTH  WEIGHT  REQUESTS  ERRORS  IN FLIGHT  LAST ERROR\n"
                "blue   127.0.0.1:9001  ready     up           1       600       1         20\n"
                "blue   api-2           draining  up           2       400       0          2\n"
                "green  127.0.0.1:9101  ready     down         1         0       0          0  connection "
                "refused\n"),
      std::string::npos)
      << text;
  EXPECT_EQ(text.find("web"), std::string::npos);
}

TEST(Print, ALineForEachServiceHoldsNoCounter) {
  EXPECT_EQ(render_state_lines(kPrinted, "api"),
            "api: blue 95% (1/2 up, api-2 draining) green 5% (0/1 up, 127.0.0.1:9101 down), stable blue, "
            "generation 7\n");
}

TEST(Print, ColourIsAWordPaintedNeverAWordLeftOut) {
  const auto painted = render_status(kPrinted, "", Style{true});
  EXPECT_NE(painted.find('\x1b'), std::string::npos);
  std::string bare;
  for (std::size_t i = 0; i < painted.size(); ++i) {
    if (painted[i] == '\x1b')
      i = painted.find('m', i);
    else
      bare += painted[i];
  }
  EXPECT_EQ(bare, render_status(kPrinted, "", kPlain)) << "the columns stand where they stood";
}

protocol::Changed changed(const char* before, const char* after) {
  protocol::Changed out;
  out.generation = 42;
  out.changed = true;
  out.before = json::parse(before);
  out.after = json::parse(after);
  out.undo = "sluicectl undo --to-generation 41";
  out.took_ms = 3.04;
  return out;
}

TEST(Print, AChangeSaysOldNewGenerationAndUndo) {
  EXPECT_EQ(render_change(changed(R"({"blue":"95%","green":"5%","red":"0%"})",
                                  R"({"blue":"75%","green":"25%","red":"0%"})"),
                          "api"),
            "api: blue 95% -> 75%, green 5% -> 25%   (generation 41 -> 42, 3.0 ms)\nundo: sluicectl undo "
            "--to-generation 41\n");
}

TEST(Print, ChangesOfSeveralServicesAndOfBackends) {
  EXPECT_EQ(render_change(changed(R"({"api":{"blue":"100%","green":"0%"},"web":{"a":"1%"}})",
                                  R"({"api":{"blue":"0%","green":"100%"},"web":{"a":"2%"}})"),
                          ""),
            "api: blue 100% -> 0%, green 0% -> 100%\nweb: a 1% -> 2%   (generation 41 -> 42, 3.0 ms)\n"
            "undo: sluicectl undo --to-generation 41\n");
  EXPECT_NE(render_change(changed(R"({"admin":"ready","weight":1})", R"({"admin":"draining","weight":1})"),
                          "api/blue/b")
                .find("api/blue/b: admin ready -> draining   ("),
            std::string::npos);
  EXPECT_NE(render_change(changed("null", R"({"address":"h:1","weight":2})"), "api/blue/b")
                .find("api/blue/b: added (address h:1, weight 2)"),
            std::string::npos);
  EXPECT_NE(render_change(changed(R"({"weight":2})", "null"), "api/blue/b").find("api/blue/b: removed"),
            std::string::npos);
}

TEST(Print, UnchangedDryRunNotDurable) {
  auto same = changed("{}", "{}");
  same.changed = false;
  EXPECT_EQ(render_change(same, "api"), "api: unchanged   (generation 42)\n");
  auto dry = changed(R"({"a":"1%"})", R"({"a":"2%"})");
  dry.dry_run = true;
  EXPECT_EQ(render_change(dry, "api"), "api: a 1% -> 2%   (dry run: nothing changed, generation 42)\n");
  auto loose = changed(R"({"a":"1%"})", R"({"a":"2%"})");
  loose.durable = false;
  loose.more["conflicts"] = json::array{"api: the configuration's split won"};
  EXPECT_EQ(render_change(loose, "api").find("not durable"), std::string::npos);
  EXPECT_EQ(render_notes(loose),
            "warning: in force, but not durable: the state folder did not take it\n"
            "note: api: the configuration's split won\n");
}

TEST(Print, ProblemsSayWhatAndWhatToDo) {
  EXPECT_EQ(render_problem(protocol::not_found("no service 'apii'", "did you mean 'api'?"), kPlain),
            "error: no service 'apii'\n  did you mean 'api'?\n");
}

TEST(Print, History) {
  const auto text = render_history(
      answer<protocol::HistoryList>(
          R"({"history":[{"generation":8,"time":"2026-01-01T00:00:00.000Z","actor":"uid 0 pid 1",
    "verb":"split","change":"api: blue 95% -> 75%","reason":"why"}]})"),
      kPlain);
  EXPECT_EQ(text,
            "GENERATION  TIME                      WHO          VERB   CHANGE                REASON\n"
            "         8  2026-01-01T00:00:00.000Z  uid 0 pid 1  split  api: blue 95% -> 75%  why\n");
  EXPECT_EQ(render_history(protocol::HistoryList{}, kPlain), "no changes yet\n");
}

TEST(Print, WhatIsMissingOrOddIsNoCrash) {
  for (const char* odd : {"null", "5", "{}", R"({"services":5})",
                          R"({"services":{"a":5,"b":{"pools":{"p":1,"q":{"backends":{"x":0}}}}}})"}) {
    const auto status = answer<protocol::Status>(odd);
    render_status(status, "", kPlain);
    render_brief(status, kPlain);
    render_state_lines(status, "b");
    render_history(answer<protocol::HistoryList>(odd), kPlain);
    render_event(answer<protocol::Event>(odd));
    render_explain(answer<protocol::Explained>(odd), kPlain);
  }
}

TEST(FindBackend, ByNameOrAddressWhenOnlyOneHasIt) {
  EXPECT_EQ(*find_backend(kPrinted, "api-2"), (protocol::Target{"api", "blue", "api-2"}));
  EXPECT_EQ(*find_backend(kPrinted, "127.0.0.1:9002"), (protocol::Target{"api", "blue", "api-2"}));
  EXPECT_EQ(*find_backend(kPrinted, "x/y/z"), (protocol::Target{"x", "y", "z"}))
      << "whether it is there is the daemon's to say";
  const auto typo = find_backend(kPrinted, "api-3");
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().exit, protocol::Exit::not_found);
  EXPECT_NE(typo.error().suggestion.find("api-2"), std::string::npos);
  EXPECT_EQ(find_backend(kPrinted, "api/blue").error().exit, protocol::Exit::usage);
  const auto twice = answer<protocol::Status>(
      R"({"services":{"a":{"pools":{"p":{"backends":{"x":{}}}}},"b":{"pools":{"q":{"backends":{"x":{}}}}}}})");
  const auto several = find_backend(twice, "x");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().exit, protocol::Exit::usage);
  EXPECT_NE(several.error().detail.find("a/p/x and b/q/x"), std::string::npos);
}

TEST(PrintVerified, SaysWhetherItIsWholeOrWhereItIsNot) {
  protocol::AuditVerified verified;
  verified.whole = true;
  EXPECT_EQ(render_verified(verified), "whole: 0 lines\n");
  verified.lines = 2;
  verified.since = "A", verified.until = "B";
  verified.head = {2, "abc"};
  verified.notes = {"audit.log:1: a note"};
  EXPECT_EQ(render_verified(verified),
            "whole: 2 lines since A, the last at B\nhead: 2 abc\nnote: audit.log:1: a note\n");
  verified.whole = false;
  verified.fault = protocol::AuditFault{"audit.log", 3, "missing", "a sentence"};
  EXPECT_EQ(render_verified(verified),
            "not whole: audit.log:3: missing: a sentence\n2 lines before it fit, since A\nhead: 2 abc\nnote: "
            "audit.log:1: a "
            "note\n");
}

}  // namespace
}  // namespace sluice::cli
