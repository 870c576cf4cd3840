#include "proxy/route/decide.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "support/heads.hpp"
#include "support/services.hpp"

namespace sluice::route {
namespace {

using config::StickyKey;
using config::StickySpec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using From = StickyKey::From;
using testing::request;
using testing::service;
using testing::sticky_service;

StickySpec by(std::vector<StickyKey> keys, std::string issue_cookie = {}) {
  config::IssuedCookie issued;
  issued.name = std::move(issue_cookie);
  return {std::move(keys), std::move(issued), "api"};
}

const std::vector<StickyKey> kHeaderCookieQuery = {
    {From::header, "X-User-Id"}, {From::cookie, "session"}, {From::query, "uid"}};

TEST(StickyKeyS4, TheFirstPresentKeyCounts) {
  const auto spec =
      by({{From::header, "X-User-Id"}, {From::cookie, "session"}, {From::query, "uid"}, {From::ip, ""}});
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/?uid=q", {{"cookie", "session=c"}, {"x-user-id", "u"}}),
                       "1.2.3.4"),
            "u");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/?uid=q", {{"Cookie", "a=b; session=c"}}), "1.2.3.4"), "c");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/?a=b&uid=q"), "1.2.3.4"), "q");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/"), "1.2.3.4"), "1.2.3.4");
}

TEST(StickyKeyS4, AnEmptyKeyIsAbsent) {
  const auto spec = by(kHeaderCookieQuery);
  EXPECT_EQ(
      sticky_key(spec, request("GET", "h", "/?uid=", {{"X-User-Id", ""}, {"Cookie", "session="}}), "::1"),
      "");
  EXPECT_EQ(
      sticky_key(spec, request("GET", "h", "/?uid=q", {{"X-User-Id", ""}, {"Cookie", "session="}}), "::1"),
      "q");
}

TEST(StickyKeyS10, TheIssuedCookieStaysTheKeyOfWhoLogsIn) {
  const auto spec = by({{From::cookie, "sluice_id"}, {From::header, "X-User-Id"}}, "sluice_id");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/", {{"Cookie", "sluice_id=i"}, {"X-User-Id", "u"}}), ""),
            "i");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/", {{"X-User-Id", "u"}}), ""), "u");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/", {{"Cookie", "sluice_id=i"}}), ""), "i");
  EXPECT_EQ(sticky_key(spec, request("GET", "h", "/"), ""), "");
}

TEST(DecideS8, TheListenersPoolComesBeforeAllElse) {
  const auto s = sticky_service({100'000, 0}, by(kHeaderCookieQuery, "sluice_id"));
  const auto decision = decide(s, request("GET", "h", "/", {{"X-User-Id", "u"}}), "::1", 1);
  EXPECT_EQ(decision.pool, 1u);
  EXPECT_EQ(decision.by, DecisionSource::listener);
  EXPECT_EQ(decision.sticky_key, "");
  EXPECT_FALSE(needs_cookie(s, decision));
  EXPECT_EQ(s.sequence->next.load(), 0u);
}

TEST(DecideS4, AKeyDecidesByItsSlotAndTakesNoPlaceOfTheSequence) {
  const auto s = sticky_service({50'000, 50'000}, by(kHeaderCookieQuery, "sluice_id"));
  std::size_t canary = 0;
  for (int user = 0; user < 1000; ++user) {
    const auto id = "user-" + std::to_string(user);
    const auto head = request("GET", "h", "/", {{"X-User-Id", id}});
    const auto decision = decide(s, head, "::1", -1);
    ASSERT_EQ(decision.by, DecisionSource::key);
    ASSERT_EQ(decision.sticky_key, id);
    ASSERT_EQ(decision.pool, slot_of("api", id) < 50'000 ? 1u : 0u);
    ASSERT_EQ(decide(s, head, "other", -1).pool, decision.pool);
    ASSERT_FALSE(needs_cookie(s, decision));
    canary += decision.pool;
  }
  EXPECT_NEAR(static_cast<double>(canary), 500, 80);
  EXPECT_EQ(s.sequence->next.load(), 0u);
}

TEST(DecideS3, WithoutAKeyTheSplitIsExact) {
  for (const auto& s : {service({95'000, 5'000}), sticky_service({95'000, 5'000}, by(kHeaderCookieQuery))}) {
    std::map<std::size_t, int> counts;
    for (int i = 0; i < 1000; ++i) {
      const auto decision = decide(s, request("GET", "h", "/"), "::1", -1);
      ASSERT_EQ(decision.by, DecisionSource::split);
      ASSERT_FALSE(needs_cookie(s, decision));
      ++counts[decision.pool];
    }
    EXPECT_EQ(counts[1], 50);
    EXPECT_EQ(s.sequence->next.load(), 1000u);
  }
}

TEST(DecideS3, KeyedRequestsBetweenDoNotDisturbTheKeyless) {
  const auto s = sticky_service({95'000, 5'000}, by(kHeaderCookieQuery));
  int canary = 0;
  for (int i = 0; i < 1000; ++i) {
    canary += decide(s, request("GET", "h", "/"), "", -1).pool == 1;
    for (int k = 0; k < i % 7; ++k) decide(s, request("GET", "h", "/", {{"X-User-Id", "u"}}), "", -1);
  }
  EXPECT_EQ(canary, 50);
}

TEST(DecideS2, ZeroAndWhole) {
  const auto none = sticky_service({100'000, 0}, by(kHeaderCookieQuery));
  const auto all = sticky_service({0, 100'000}, by(kHeaderCookieQuery));
  for (int i = 0; i < 3000; ++i) {
    const auto id = std::to_string(i);
    const auto keyed = request("GET", "h", "/", {{"X-User-Id", id}});
    ASSERT_EQ(decide(none, keyed, "", -1).pool, 0u);
    ASSERT_EQ(decide(none, request("GET", "h", "/"), "", -1).pool, 0u);
    ASSERT_EQ(decide(all, keyed, "", -1).pool, 1u);
    ASSERT_EQ(decide(all, request("GET", "h", "/"), "", -1).pool, 1u);
  }
}

TEST(DecideS6, AKeylessRequestGetsACookieThatKeepsItsPool) {
  const auto s = sticky_service({80'000, 19'900, 100},
                                by({{From::cookie, "sluice_id"}, {From::header, "X-User-Id"}}, "sluice_id"));
  const std::uint64_t seed = 5;
  std::mt19937_64 random(seed);
  std::set<std::string> ids;
  std::map<std::size_t, int> counts;
  for (int i = 0; i < 2000; ++i) {
    const auto first = decide(s, request("GET", "h", "/"), "", -1);
    ASSERT_TRUE(needs_cookie(s, first));
    const auto id = issued_id(s, first.pool, {random(), random()});
    ASSERT_EQ(id.size(), 32u);
    ASSERT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
    const auto cookie = "theme=dark; sluice_id=" + id;
    const auto next = decide(s, request("GET", "h", "/", {{"Cookie", cookie}}), "", -1);
    ASSERT_EQ(next.by, DecisionSource::key);
    ASSERT_EQ(next.pool, first.pool) << "seed " << seed;
    ASSERT_FALSE(needs_cookie(s, next));
    ++counts[next.pool];
  }
  EXPECT_EQ(ids.size(), 2000u);
  EXPECT_EQ(counts[1], 398);
  EXPECT_EQ(counts[2], 2);
}

TEST(DecideS6, AnIdForAPoolWithoutSlotsIsAnIdAllTheSame) {
  const auto s = sticky_service({100'000, 0}, by({}, "sluice_id"));
  EXPECT_EQ(issued_id(s, 1, {1, 2}).size(), 32u);
  EXPECT_EQ(issued_id(service({100'000, 0}), 1, {0xabc, 2}), "0000000000000abc0000000000000002");
}

TEST(ExplainS8, SaysWhatDecideDoesAndTakesNoPlace) {
  const auto s = sticky_service({60'000, 40'000},
                                by({{From::header, "X-User-Id"}, {From::cookie, "session"}}, "sluice_id"));
  for (int i = 0; i < 200; ++i) {
    const auto head = request("GET", "h", "/");
    const auto before = s.sequence->next.load();
    const auto told = would_decide(s, head, "", -1);
    const auto steps = explain_steps(s, head, "", -1);
    ASSERT_EQ(s.sequence->next.load(), before);
    const auto done = decide(s, head, "", -1);
    ASSERT_EQ(told.pool, done.pool);
    ASSERT_THAT(steps.back(), HasSubstr("goes to pool p" + std::to_string(done.pool)));
  }
}

TEST(ExplainS8, OneSentenceForEachStep) {
  const auto s =
      sticky_service({100'000, 0}, by({{From::header, "X-User-Id"}, {From::query, "uid"}, {From::ip, ""}}));
  EXPECT_THAT(explain_steps(s, request("GET", "h", "/"), "", 1),
              ElementsAre("the listener sends every request of api to pool p1"));
  const auto slot = std::to_string(slot_of("api", "7"));
  EXPECT_THAT(explain_steps(s, request("GET", "h", "/?uid=7"), "::1", -1),
              ElementsAre("the listener has no fixed pool for api", "key header:X-User-Id is absent",
                          "key query:uid is '7': with salt 'api' it is slot " + slot +
                              " of 100000, which pool p0 owns"));
  EXPECT_THAT(explain_steps(s, request("GET", "h", "/"), "::1", -1).back(), HasSubstr("key ip is '::1': "));
  EXPECT_THAT(
      explain_steps(service({95'000, 5'000}), request("GET", "h", "/"), "::1", -1),
      ElementsAre("the listener has no fixed pool for api", "no sticky keys are configured",
                  HasSubstr("the exact split does (p0 95%, p1 5%): the next such request goes to pool p")));
  EXPECT_THAT(explain_steps(sticky_service({100'000}, by({{From::cookie, "id"}}, "id")),
                            request("GET", "h", "/"), "", -1),
              ElementsAre("the listener has no fixed pool for api", "key cookie:id is absent",
                          HasSubstr("goes to pool p0 and gets cookie id")));
}

}  // namespace
}  // namespace sluice::route
