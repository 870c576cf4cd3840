// Every verb, by what it says of itself: its help, its completion, its entry in PROTOCOL.md; and what
// sluicectl sends for it is what the daemon's router finds and its reader takes.
#include "control/cli/verbs.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <type_traits>

#include "control/admin/routes.hpp"
#include "control/cli/args.hpp"
#include "control/cli/complete.hpp"
#include "control/cli/help.hpp"
#include "control/protocol/request.hpp"

namespace sluice::cli {
namespace {

namespace json = boost::json;
using namespace protocol;

template <class Verb>
concept IsMessage = requires {
  Verb::kRoutes;
};

// Puts something into every value that a message names.
struct Filler {
  void operator()(std::string_view name, std::string& value) const {
    value = name == "format" ? "json" : "a/b c" + std::string(name);
  }
  void operator()(std::string_view, bool& value) const { value = true; }
  void operator()(std::string_view, std::uint32_t& value) const { value = 7; }
  void operator()(std::string_view, std::uint64_t& value) const { value = 8; }
  void operator()(std::string_view, milliseconds& value) const { value = milliseconds(1500); }
  void operator()(std::string_view, Websockets& value) const { value.kind = Websockets::Kind::spread; }
  void operator()(std::string_view, Condition& value) const { value = Condition::drained; }
  void operator()(std::string_view, Target& value) const { value = {"s", "p", "b/c"}; }
  void operator()(std::string_view, Strings& value) const { value = {"x y", "z"}; }
  void operator()(std::string_view, StringPairs& value) const { value = {{"k", "v"}, {"l", "w"}}; }
  template <class Value>
  void operator()(std::string_view name, std::optional<Value>& value) const {
    (*this)(name, value.emplace());
  }
  void only(std::string_view, Strings& value) const { value = {"one"}; }
};

template <class Message>
Message filled_message() {
  Message message{};
  const Filler fill;
  if constexpr (requires { Message::fields(message, fill); }) Message::fields(message, fill);
  if constexpr (requires { Message::query(message, fill); }) Message::query(message, fill);
  if constexpr (requires { Message::names(message, fill); }) Message::names(message, fill);
  return message;
}
// What may not be given together is left out.
template <>
Cutover filled_message() {
  Cutover message;
  const Filler fill;
  Cutover::fields(message, fill);
  message.confirm_within.reset();
  return message;
}
template <>
RolloutStart filled_message() {
  RolloutStart message;
  const Filler fill;
  RolloutStart::fields(message, fill);
  message.service = "api";
  message.services.clear();
  message.plan.clear();
  message.plan_text.clear();
  return message;
}
template <>
RolloutAct filled_message() {
  return {RolloutAct::Action::promote, "api", "promote", true};
}
template <>
Add filled_message() {
  return {{"api", "blue", "b"}, "127.0.0.1:9001", 7, milliseconds(1500)};
}
template <>
Split filled_message() {
  return {"api", {{"blue", 95'000}, {"green", 5'000}}, "red", milliseconds(1500)};
}
template <>
SetFlag filled_message() {
  return {"a b", "api", 10'000, "{\"x\":1}"};
}
template <>
SetMirror filled_message() {
  return {"api", "green", 10'000, true};
}

template <>
GetReport filled_message() {
  return {"api", 41, {}, "html"};
}

// Over the wire and back.
template <class Message>
void expect_taken(const Message& message, const std::string& what) {
  const Sent sent = send(message);
  ASSERT_FALSE(sent.path.empty()) << what;
  const std::string query = query_text(sent.query);
  const auto parsed_query = parse_query(query.empty() ? query : query.substr(1));
  ASSERT_TRUE(parsed_query) << what;
  Strings names;
  for (const auto& [name, value] : *parsed_query) names.push_back(name);
  const auto matched = admin::match(sent.method, sent.path, names);
  ASSERT_TRUE(matched) << what << ": " << matched.error().problem.detail;
  bool own = false;
  for (const Route& route : Message::kRoutes)
    own |= route.path == matched->endpoint->route.path && route.method == matched->endpoint->route.method;
  EXPECT_TRUE(own) << what << " was taken for " << matched->endpoint->route.path;
  const auto body = sent.body ? json::parse(json::serialize(*sent.body)) : json::value(nullptr);
  const auto received = receive<Message>(matched->names, *parsed_query, body);
  ASSERT_TRUE(received) << what << ": " << received.error().detail;
  const Sent again = send(*received);
  EXPECT_EQ(again.method + " " + again.path, sent.method + " " + sent.path) << what;
  EXPECT_EQ(again.query, sent.query) << what;
  EXPECT_EQ(again.body, sent.body) << what;
}

// Cut as a shell does: blanks, and quotes around what has some.
std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, begun = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      begun = true;
    } else if (c == ' ' && !quoted) {
      if (begun) words.push_back(word);
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(word);
  return words;
}

// The command lines of a page's examples, without what the shell does with them.
std::vector<std::string> examples_of(const Page& page) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(page.examples)};
  constexpr std::string_view kProgram = "sluicectl ";
  for (std::string line; std::getline(in, line);) {
    const auto begin = line.find(kProgram);
    if (begin == std::string::npos || line.find("<(") != std::string::npos) continue;
    line = line.substr(begin + kProgram.size());
    for (const char* end : {" | ", " > ", "; do"}) line = line.substr(0, line.find(end));
    lines.push_back(line);
  }
  return lines;
}

std::string protocol_page() {
  std::ifstream in(SLUICE_SOURCE_DIR "/control/PROTOCOL.md");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The messages behind verbs that say more than their message.
using Inner =
    List<GetStatus, GetConfig, RolloutStart, RolloutAct, GetRollout, SetFlag, RemoveFlag, ListFlags, GetFlag,
         SetMirror, ClearMirror, Weight, Remove, NotifyTest, History, VerifyAudit, GetReport>;
using Messages = Join<Verbs, Inner>;

TEST(Verbs, ThereIsAPageForEachAndTheOverviewNamesThem) {
  std::set<std::string> names;
  Verbs::each([&]<class Verb>(std::type_identity<Verb>) {
    const Page& page = Verb::kPage;
    const std::string name(page.name());
    EXPECT_TRUE(names.insert(name).second) << name << " is there twice";
    EXPECT_FALSE(page.does.empty()) << name;
    EXPECT_NE(page.examples.find("sluicectl"), std::string_view::npos) << name;
    EXPECT_TRUE(help(name).starts_with(page.does)) << name;
    EXPECT_NE(help("").find(" " + name), std::string::npos) << name << " is not in the overview";
    EXPECT_EQ(candidates({name}, {}).front(), name);
  });
  const auto all = verbs();
  EXPECT_EQ(names, std::set<std::string>(all.begin(), all.end()));
}

TEST(Verbs, WhatSluicectlSendsIsWhatTheDaemonTakes) {
  Messages::each([]<class Verb>(std::type_identity<Verb>) {
    if constexpr (IsMessage<Verb>) {
      const std::string what(Verb::kRoutes[0].path);
      expect_taken(filled_message<Verb>(), std::string(Verb::kRoutes[0].method) + " " + what);
    }
  });
  expect_taken(Rollback{{"api", "web"}}, "several services stand in the body");
  auto in_step = filled_message<RolloutStart>();
  in_step.service.clear();
  in_step.to.clear();
  in_step.services = {{"api", "green"}, {"web", "v2"}};
  expect_taken(in_step, "services that move in step");
  auto whole_pool = filled_message<Drain>();
  whole_pool.target.backend.clear();
  expect_taken(whole_pool, "a whole pool");
}

TEST(Verbs, TheExamplesOfTheHelpAreCommandLines) {
  Verbs::each([]<class Verb>(std::type_identity<Verb>) {
    for (const auto& line : examples_of(Verb::kPage)) {
      const auto parsed = parse(shell_words(line));
      ASSERT_FALSE(parsed.problem) << line << ": " << parsed.problem->detail;
      ASSERT_TRUE(parsed.command) << line;
      std::visit(
          [&line]<class Said>(const Said& said) {
            if constexpr (IsMessage<Said>)
              if (const Sent sent = send(said); !sent.path.empty()) expect_taken(said, line);
          },
          parsed.command->verb);
    }
  });
}

TEST(Verbs, EveryRouteStandsInTheProtocol) {
  const auto page = protocol_page();
  Messages::each([&page]<class Verb>(std::type_identity<Verb>) {
    if constexpr (IsMessage<Verb>) {
      for (const Route& route : Verb::kRoutes) {
        const std::string entry = "`" + std::string(route.method) + " " + std::string(route.path) + "`";
        EXPECT_NE(page.find(entry), std::string::npos) << entry;
      }
    }
  });
}

TEST(Verbs, EveryEndpointOfTheDaemonIsASluicectlVerbsOrAPage) {
  std::set<std::string> known = {"GET /",          "GET /page.css",          "GET /page.js",
                                 "GET /livez",     "GET /metrics",           "GET /v1/endpoints",
                                 "GET /v1/whoami", "GET /v1/history/samples"};
  Messages::each([&known]<class Verb>(std::type_identity<Verb>) {
    if constexpr (IsMessage<Verb>)
      for (const Route& route : Verb::kRoutes)
        known.insert(std::string(route.method) + " " + std::string(route.path));
  });
  for (const auto& endpoint : admin::endpoints())
    EXPECT_TRUE(known.contains(std::string(endpoint.route.method) + " " + std::string(endpoint.route.path)))
        << endpoint.route.path;
}

TEST(Verbs, WordsCompleteToWhatTheyName) {
  const auto status =
      answer_from<Status>(json::parse(R"({"services":{"api":{"pools":{"blue":{"backends":{"h:1":{}}}}}}})"));
  Verbs::each([&status]<class Verb>(std::type_identity<Verb>) {
    const std::string name(Verb::kPage.name()), usage(Verb::kPage.usage);
    const auto offered = candidates({name, ""}, status);
    for (const char* word : {" SERVICE", " BACKEND", " [SERVICE]", " [PATTERN]"}) {
      const bool takes = usage.find(word) != std::string::npos;
      EXPECT_TRUE(!takes || !offered.empty()) << name << " offers nothing for" << word;
    }
  });
}

}  // namespace
}  // namespace sluice::cli
