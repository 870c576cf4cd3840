// The verbs' messages: what is written is read back, and what is wrong is named.
#include "control/protocol/messages.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sluice::protocol {
namespace {

namespace json = boost::json;

template <class Message>
Message again(const Message& message) {
  Message out{};
  const auto problem = read(json::value(to_json(message)), out);
  EXPECT_FALSE(problem) << problem->detail;
  return out;
}

template <class Message>
Problem problem_in(const char* text) {
  Message message{};
  const auto problem = read(json::parse(text), message);
  EXPECT_TRUE(problem) << text << " was accepted";
  return problem.value_or(Problem{});
}

TEST(Messages, RoundTrip) {
  Split split;
  split.service = "api";
  split.shares = {{"blue", 95'000}, {"green", 5'000}};
  EXPECT_EQ(json::serialize(to_json(split)), R"({"blue":"95%","green":"5%"})");
  EXPECT_EQ(again(split).shares, split.shares);

  Cutover cutover;
  cutover.services = {{"api", "green"}, {"web", "blue"}};
  cutover.wait_drained = cutover.force = true;
  cutover.wait_timeout = milliseconds(1500);
  const auto cutover_back = again(cutover);
  EXPECT_EQ(cutover_back.services, cutover.services);
  EXPECT_TRUE(cutover_back.wait_drained && cutover_back.force);
  EXPECT_EQ(cutover_back.wait_timeout, milliseconds(1500));

  Drain drain;
  drain.timeout = milliseconds(90'000);
  drain.wait = true;
  drain.websockets = {Websockets::Kind::spread, milliseconds(10'000)};
  const auto drain_back = again(drain);
  EXPECT_EQ(drain_back.timeout, drain.timeout);
  EXPECT_TRUE(drain_back.wait);
  EXPECT_EQ(drain_back.websockets, drain.websockets);

  EXPECT_EQ(again(Undo{41}).to_generation, 41u);
  EXPECT_FALSE(again(Undo{}).to_generation);
  EXPECT_EQ(again(Rollback{{"api", "web"}}).services, (Strings{"api", "web"}));
  EXPECT_EQ(again(Weight{{}, 0}).weight, 0u) << "0 is a value, not an absence";

  const Add add{{}, "127.0.0.1:9001", 3, milliseconds(500)};
  const auto add_back = again(add);
  EXPECT_EQ(add_back.address, add.address);
  EXPECT_EQ(add_back.weight, 3u);
  EXPECT_EQ(add_back.wait_healthy, milliseconds(500));

  const Explain explain{"POST", "http://x/a", {"A: 1", "B: 2"}, "web", "10.0.0.1"};
  const auto explain_back = again(explain);
  EXPECT_EQ(explain_back.headers, explain.headers);
  EXPECT_EQ(explain_back.method + explain_back.url + explain_back.listener + explain_back.client,
            "POSThttp://x/aweb10.0.0.1");
}

TEST(Messages, ChangedKeepsWhatTheVerbAdds) {
  Changed changed;
  changed.generation = 42;
  changed.changed = true;
  changed.before = json::parse(R"({"blue":"100%"})");
  changed.after = json::parse(R"({"blue":"95%"})");
  changed.undo = "sluicectl undo";
  changed.durable = false;
  changed.took_ms = 2.5;
  changed.more["drained"] = to_json(Drained{3, 1, milliseconds(20)});
  const auto back = again(changed);
  EXPECT_EQ(back.generation, 42u);
  EXPECT_EQ(back.before, changed.before);
  EXPECT_EQ(back.more, changed.more);
  EXPECT_FALSE(back.durable);
  EXPECT_EQ(back.took_ms, 2.5);
}

TEST(Messages, UnknownFieldsAreNamedWithWhatWasMeant) {
  const auto problem = problem_in<Drain>(R"({"timeot":"30s"})");
  EXPECT_EQ(problem.status, 400);
  EXPECT_EQ(problem.exit, Exit::usage);
  EXPECT_EQ(problem.field, "timeot");
  EXPECT_EQ(problem.suggestion, "did you mean 'timeout'?");
  EXPECT_EQ(problem_in<Ready>(R"({"x":1})").field, "x");
}

TEST(Messages, WrongTypesNameTheFieldAndTheAcceptedForm) {
  struct Case {
    Problem problem;
    const char* field;
    const char* form;
  };
  const Case cases[] = {
      {problem_in<Drain>(R"({"timeout":30})"), "timeout", "\"30s\""},
      {problem_in<Drain>(R"({"timeout":"30 sec"})"), "timeout", "30 sec"},
      {problem_in<Drain>(R"({"wait":"yes"})"), "wait", "true or false"},
      {problem_in<Drain>(R"({"websockets":"later"})"), "websockets", "spread:60s"},
      {problem_in<Undo>(R"({"to_generation":-1})"), "to_generation", "whole number"},
      {problem_in<Undo>(R"({"to_generation":1.5})"), "to_generation", "whole number"},
      {problem_in<Undo>(R"({"to_generation":"7"})"), "to_generation", "whole number"},
      {problem_in<Weight>(R"({"weight":4294967296})"), "weight", "2^32"},
      {problem_in<Rollback>(R"({"services":"api"})"), "services", "list of strings"},
      {problem_in<Rollback>(R"({"services":[1]})"), "services", "list of strings"},
      {problem_in<Cutover>(R"({"services":["api"]})"), "services", "object of strings"},
      {problem_in<Cutover>(R"({"services":{"api":1}})"), "services", "object of strings"},
      {problem_in<Explain>(R"({"url":["/"]})"), "url", "string"},
  };
  for (const auto& [problem, field, form] : cases) {
    EXPECT_EQ(problem.field, field);
    EXPECT_NE(problem.detail.find(form), std::string::npos) << problem.detail;
    EXPECT_NE(problem.detail.find(field), std::string::npos) << problem.detail;
  }
  EXPECT_EQ(problem_in<Drain>("[]").status, 400);
}

TEST(Messages, SharesArePercentagesOrFractions) {
  Split split;
  ASSERT_FALSE(read(json::parse(R"({"blue":0.95,"green":"5%"})"), split));
  EXPECT_EQ(split.shares, (std::vector<std::pair<std::string, Share>>{{"blue", 95'000}, {"green", 5'000}}));
  for (const char* wrong :
       {R"({"blue":95})", R"({"blue":"95"})", R"({"blue":-0.1})", R"({"blue":"101%"})", R"({"blue":null})",
        R"({"blue":[]})", R"({"blue":"0.0001%"})", R"({"blue":0.000001})"}) {
    const auto problem = problem_in<Split>(wrong);
    EXPECT_EQ(problem.field, "blue") << wrong;
  }
  EXPECT_EQ(problem_in<Split>(R"(["blue"])").status, 400);
}

TEST(Messages, ASplitNamesPoolsOnceAndTheSumIsSaidByWhoKnowsThem) {
  using Shares = std::vector<std::pair<std::string, Share>>;
  const auto detail = [](const Shares& shares, const std::string& rest = "") {
    Split split;
    split.service = "api";
    split.shares = shares;
    split.rest = rest;
    const auto problem = check(split);
    return problem ? problem->detail : "good";
  };
  EXPECT_EQ(detail({{"blue", 95'000}, {"green", 5'000}}), "good");
  EXPECT_EQ(detail({{"green", 500}}, "blue"), "good");
  EXPECT_EQ(detail({}, "blue"), "good");
  EXPECT_EQ(detail({{"blue", 95'000}, {"green", 4'000}}), "good");
  EXPECT_NE(detail({{"blue", 50'000}, {"blue", 50'000}}).find("twice"), std::string::npos);
  EXPECT_NE(detail({{"blue", 50'000}}, "blue").find("rest"), std::string::npos);
  EXPECT_NE(detail({}), "good");
}

TEST(Messages, ACutoverNamesEachServiceOnce) {
  Cutover cutover;
  EXPECT_TRUE(check(cutover));
  cutover.services = {{"api", "green"}, {"web", "green"}};
  EXPECT_FALSE(check(cutover));
  cutover.services = {{"api", "green"}, {"api", "blue"}};
  EXPECT_TRUE(check(cutover));
}

TEST(Messages, WebsocketPolicies) {
  EXPECT_EQ(to_string(*parse_websockets("spread:90s")), "spread:90s");
  EXPECT_EQ(to_string(*parse_websockets("now")), "now");
  EXPECT_EQ(to_string(*parse_websockets("wait")), "wait");
  for (const char* wrong : {"", "spread", "spread:", "spread:fast", "never"})
    EXPECT_FALSE(parse_websockets(wrong)) << wrong;
}

}  // namespace
}  // namespace sluice::protocol
