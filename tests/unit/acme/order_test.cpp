// The order's state machine by scripts: a server of canned answers, no network, no clock.
#include "control/acme/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "unit/acme/fixed_key.hpp"

namespace sluice::acme {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const std::string kServer = "https://ca.test/";

// Answers by what is behind kServer; each answer brings a nonce that is good once.
class Script {
 public:
  Script() {
    say("dir", 200,
        R"({"newNonce":"https://ca.test/nonce","newAccount":"https://ca.test/account",)"
        R"("newOrder":"https://ca.test/order"})");
    say("nonce", 200, "");
    say("account", 201, R"({"status":"valid"})", kServer + "acct/1");
    say("order", 201, order("pending"), kServer + "o/1");
    say("z/1", 200, authorization("pending"));
    say("z/1", 200, authorization("valid"));
    say("c/1", 200, "{}");
    say("f/1", 200, order("valid", R"(,"certificate":"https://ca.test/cert/1")"));
    say("cert/1", 200, "the chain");
  }

  static std::string order(const std::string& status, const std::string& more = "") {
    return R"({"status":")" + status +
           R"(","finalize":"https://ca.test/f/1","authorizations":["https://ca.test/z/1"])" + more + "}";
  }
  static std::string authorization(const std::string& status, const std::string& error = "") {
    return R"({"status":")" + status + R"(","identifier":{"type":"dns","value":"a.test"},"challenges":[)" +
           R"({"type":"dns-01","token":"x","url":"https://ca.test/c/0"},)" +
           R"({"type":"http-01","token":"abc","url":"https://ca.test/c/1")" + error + "}]}";
  }
  static std::string problem(const std::string& type) {
    return R"({"type":"urn:ietf:params:acme:error:)" + type + R"(","detail":"because"})";
  }

  // The last one said stays.
  void say(const std::string& what, int status, std::string body, std::string location = "") {
    Answer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.location = std::move(location);
    answers_[what].push_back(std::move(answer));
  }
  void instead(const std::string& what, int status, std::string body, std::string location = "") {
    answers_[what].clear();
    say(what, status, std::move(body), std::move(location));
  }
  // Of the n-th question on, from 1, once.
  void at(std::size_t n, Answer answer) { at_[n] = std::move(answer); }

  // To its end.
  Next run(Wanted wanted = default_wanted()) {
    const Key account = fixed_key(), key = Key::make();
    Order order(std::move(wanted), account, key);
    Answer answer;
    for (int step = 0; step < 1000; ++step) {
      Next next = order.resume(answer);
      answer = Answer();
      account_url = order.account_url();
      if (auto* question = std::get_if<Ask>(&next)) {
        answer = answer_to(*question);
      } else if (auto* show = std::get_if<Show>(&next)) {
        shown = show->proofs;
      } else if (auto* wait = std::get_if<Wait>(&next)) {
        waited.push_back(wait->time);
      } else {
        return next;
      }
    }
    return Failure{FailureKind::refused, "it never ends", 0ms};
  }
  static Wanted default_wanted() {
    return {kServer + "dir", "", {"a.test"}, {kTlsAlpn01, kHttp01}, {}, "", ""};
  }

  // The payload of the n-th request to `what`.
  boost::json::value payload(const std::string& what, std::size_t n = 0) const {
    return boost::json::parse(
        *from_base64url(boost::json::parse(bodies.at(what).at(n)).at("payload").as_string()));
  }

  std::vector<std::string> asked;                          // what is behind kServer
  std::map<std::string, std::vector<std::string>> bodies;  // by that
  std::vector<Proof> shown;
  std::vector<milliseconds> waited;
  std::string account_url;

 private:
  Answer answer_to(const Question& question) {
    EXPECT_TRUE(question.url.starts_with(kServer)) << question.url;
    const std::string what = question.url.substr(kServer.size());
    asked.push_back(what);
    bodies[what].push_back(question.body);
    check_nonce(question);
    Answer answer;
    if (const auto special = at_.find(asked.size()); special != at_.end()) {
      answer = special->second;
    } else if (auto& list = answers_[what]; !list.empty()) {
      answer = list.front();
      if (list.size() > 1) list.erase(list.begin());
    } else {
      answer.status = 404;
    }
    if (answer.status != 0 && what != "dir") answer.nonce = "n" + std::to_string(++nonces_);
    good_nonce_ = answer.nonce.empty() ? good_nonce_ : answer.nonce;
    return answer;
  }
  void check_nonce(const Question& question) {
    if (question.method != Question::Method::post) return;
    const std::string header = *from_base64url(boost::json::parse(question.body).at("protected").as_string());
    EXPECT_EQ(boost::json::parse(header).at("nonce").as_string(), good_nonce_);
    EXPECT_EQ(boost::json::parse(header).at("url").as_string(), question.url);
  }

  std::map<std::string, std::vector<Answer>> answers_;
  std::map<std::size_t, Answer> at_;
  std::string good_nonce_;
  int nonces_ = 0;
};

std::string chain_of(const Next& next) {
  if (const auto* failure = std::get_if<Failure>(&next)) return "failed: " + failure->what;
  return std::get<Issued>(next).chain;
}
std::string why(const Next& next) {
  const auto* failure = std::get_if<Failure>(&next);
  return failure ? failure->what : "it did not fail";
}

TEST(Order, GoesFromTheDirectoryToTheCertificate) {
  Script script;
  EXPECT_EQ(chain_of(script.run()), "the chain");
  EXPECT_THAT(script.asked,
              ElementsAre("dir", "nonce", "account", "order", "z/1", "c/1", "z/1", "f/1", "cert/1"));
  EXPECT_EQ(script.account_url, kServer + "acct/1");
  ASSERT_EQ(script.shown.size(), 1u);
  EXPECT_EQ(script.shown[0].domain, "a.test");
  EXPECT_EQ(script.shown[0].type, kHttp01);
  EXPECT_EQ(script.shown[0].key_authorization, "abc." + std::string(kFixedThumbprint));
  EXPECT_EQ(boost::json::serialize(script.payload("order")),
            R"({"identifiers":[{"type":"dns","value":"a.test"}]})");
}

TEST(Order, AKnownAccountIsNotMadeAgainAndItsPredecessorIsNamed) {
  Script script;
  Wanted wanted = Script::default_wanted();
  wanted.account_url = kServer + "acct/7";
  wanted.replaces = "aki.serial";
  EXPECT_EQ(chain_of(script.run(wanted)), "the chain");
  EXPECT_EQ(std::ranges::count(script.asked, "account"), 0);
  EXPECT_EQ(script.payload("order").at("replaces").as_string(), "aki.serial");
}

TEST(Order, WhatIsProvedAlreadyIsNotProvedAgain) {
  Script script;
  script.instead("z/1", 200, Script::authorization("valid"));
  EXPECT_EQ(chain_of(script.run()), "the chain");
  EXPECT_TRUE(script.shown.empty());
  Script ready;
  ready.instead("order", 201, Script::order("ready"), kServer + "o/1");
  EXPECT_EQ(chain_of(ready.run()), "the chain");
  EXPECT_EQ(std::ranges::count(ready.asked, "z/1"), 0);
}

// RFC 8555 6.5: the error brings a nonce, and with it the same is asked again; at every step, and not for
// ever.
TEST(Order, ANonceThatIsRefusedAtAnyStepIsNoFailure) {
  for (std::size_t step = 3; step <= 9; ++step) {
    Script script;
    Answer refused;
    refused.status = 400;
    refused.body = Script::problem("badNonce");
    script.at(step, refused);
    EXPECT_EQ(chain_of(script.run()), "the chain") << "at question " << step;
    EXPECT_EQ(script.asked.size(), 10u);
  }
  Script never;
  never.instead("order", 400, Script::problem("badNonce"));
  EXPECT_EQ(why(never.run()), "the order: status 400, because (badNonce)");
}

// Whatever comes, at whatever step, is an end with a sentence.
TEST(Order, EveryStepMayFailInEveryWay) {
  Answer lost, garbage, down, list, limited;
  lost.problem = "connect: Connection refused";
  garbage.status = 200;
  garbage.body = "{\"status\":";
  down.status = 500;
  down.body = "<html>";
  list.status = 200;
  list.body = "[1,2]";
  limited.status = 429;
  limited.body = Script::problem("rateLimited");
  limited.retry_after = 90s;
  for (std::size_t step = 1; step <= 9; ++step)
    for (const Answer& wrong : {lost, garbage, down, list, limited}) {
      Script script;
      script.at(step, wrong);
      const Next end = script.run();
      const bool is_text =
          step == 9 && wrong.status == 200;  // any text may be a chain, until it is looked at
      const bool is_nothing = (step == 2 || step == 6) && wrong.status == 200;  // their bodies say nothing
      if (is_text || is_nothing) continue;
      const auto* failure = std::get_if<Failure>(&end);
      ASSERT_TRUE(failure) << "question " << step << ", status " << wrong.status;
      EXPECT_THAT(failure->what, HasSubstr(wrong.status == 0 ? "refused" : ""));
      EXPECT_GT(failure->what.size(), 10u);
      if (wrong.status == 429) {
        EXPECT_EQ(failure->retry_after, 90s);
      }
      if (wrong.status == 0 || wrong.status == 500) {
        EXPECT_EQ(failure->kind, FailureKind::unreachable);
      }
    }
}

TEST(Order, AnAccountThatIsForgottenIsMadeAgainOnce) {
  Script script;
  Wanted wanted = Script::default_wanted();
  wanted.account_url = kServer + "acct/7";
  script.instead("order", 400, Script::problem("accountDoesNotExist"));
  script.say("order", 201, Script::order("pending"), kServer + "o/1");
  EXPECT_EQ(chain_of(script.run(wanted)), "the chain");
  EXPECT_EQ(script.account_url, kServer + "acct/1");
  Script always;
  always.instead("order", 400, Script::problem("accountDoesNotExist"));
  EXPECT_THAT(why(always.run(wanted)), HasSubstr("accountDoesNotExist"));
}

// RFC 9773 5.
TEST(Order, APredecessorThatTheServerDoesNotTakeIsLeftOut) {
  Script script;
  Wanted wanted = Script::default_wanted();
  wanted.replaces = "aki.serial";
  script.instead("order", 409, Script::problem("alreadyReplaced"));
  script.say("order", 201, Script::order("pending"), kServer + "o/1");
  EXPECT_EQ(chain_of(script.run(wanted)), "the chain");
  EXPECT_FALSE(script.payload("order", 1).as_object().contains("replaces"));
}

TEST(Order, WhatIsNotBelievedIsSaidInTheServersWords) {
  Script script;
  script.instead("z/1", 200, Script::authorization("pending"));
  script.say("z/1", 200, Script::authorization("invalid", R"(,"error":)" + Script::problem("connection")));
  EXPECT_EQ(why(script.run()),
            "the server does not believe that a.test is here: http-01: because (connection)");
  script = Script();
  script.instead("f/1", 200, Script::order("invalid", R"(,"error":)" + Script::problem("caa")));
  EXPECT_EQ(why(script.run()), "the order is invalid: because (caa)");
}

TEST(Order, ItIsAskedAgainAtGrowingDistancesOrAsTheServerSaysAndNotForEver) {
  Script script;
  script.instead("z/1", 200, Script::authorization("pending"));
  EXPECT_EQ(why(script.run()), "the server has not looked at a.test within 5m");
  ASSERT_GT(script.waited.size(), 6u);
  EXPECT_EQ(script.waited[0], 250ms);
  EXPECT_EQ(script.waited[1], 500ms);
  EXPECT_EQ(script.waited.back(), 10s);
  Script slow;
  slow.instead("f/1", 200, Script::order("processing"));
  slow.say("o/1", 200, Script::order("processing"));
  slow.say("o/1", 200, Script::order("valid", R"(,"certificate":"https://ca.test/cert/1")"));
  EXPECT_EQ(chain_of(slow.run()), "the chain");
}

TEST(Order, ATokenThatIsNoneIsRefused) {
  for (const char* token : {"", "../x", "a b", "a=", "a/b"}) {
    Script script;
    script.instead("z/1", 200,
                   R"({"status":"pending","identifier":{"type":"dns","value":"a.test"},"challenges":[)"
                   R"({"type":"http-01","token":")" +
                       std::string(token) + R"(","url":"https://ca.test/c/1"}]})");
    EXPECT_EQ(why(script.run()), "a.test: the challenge that the server offers is malformed") << token;
    EXPECT_TRUE(script.shown.empty());
  }
}

TEST(Order, AnotherNameThanWasAskedForIsNotProved) {
  Script script;
  script.instead("z/1", 200, R"({"status":"pending","identifier":{"type":"dns","value":"b.test"}})");
  EXPECT_EQ(why(script.run()), "an authorization is for 'b.test', which was not asked for");
}

TEST(Order, AServerBehindTlsIsNotAskedInClear) {
  Script script;
  script.instead("dir", 200,
                 R"({"newNonce":"http://ca.test/nonce","newAccount":"https://ca.test/account",)"
                 R"("newOrder":"https://ca.test/order"})");
  EXPECT_EQ(why(script.run()), "a nonce: the server wants to be asked in clear, at 'http://ca.test/nonce'");
}

TEST(Order, AServerOfCustomersOnlyIsToldWhoTheyAre) {
  Script script;
  const std::string external =
      R"({"newNonce":"https://ca.test/nonce","newAccount":"https://ca.test/account",)"
      R"("newOrder":"https://ca.test/order","meta":{"externalAccountRequired":true}})";
  script.instead("dir", 200, external);
  EXPECT_THAT(why(script.run()), HasSubstr("set 'eab'"));
  Script bound;
  bound.instead("dir", 200, external);
  Wanted wanted = Script::default_wanted();
  wanted.email = "ops@a.test";
  wanted.binding = Wanted::Binding{"kid", "secret"};
  EXPECT_EQ(chain_of(bound.run(wanted)), "the chain");
  EXPECT_TRUE(bound.payload("account").as_object().contains("externalAccountBinding"));
  EXPECT_EQ(bound.payload("account").at("contact").at(0).as_string(), "mailto:ops@a.test");
}

}  // namespace
}  // namespace sluice::acme
