// S8: preview tokens: what was minted counts, until it expires, for its service; nothing else does.
#include "proxy/route/preview.hpp"

#include <gtest/gtest.h>

#include "proxy/route/decide.hpp"
#include "support/heads.hpp"
#include "support/services.hpp"

namespace sluice::route {
namespace {

constexpr PreviewKey kKey = {1, 2, 3};
constexpr std::int64_t kNow = 1'700'000'000;

Service with_backends() {
  auto service = testing::service({100'000, 0});
  for (std::uint32_t i = 0; i < 2; ++i) service.pools[i].backends.push_back(testing::backend("b", i));
  return service;
}
std::string token(const std::string& pool = "p1", std::int64_t expires = kNow + 60,
                  const std::string& service = "api") {
  return mint_preview(kKey, service, pool, expires);
}

TEST(PreviewS8, ATokenSaysWhatItWasMintedFor) {
  const auto read = read_preview(kKey, mint_preview(kKey, "s\xc3\xa4le", "v 42", kNow + 1), kNow);
  EXPECT_EQ(read.fault, TokenFault::none);
  EXPECT_EQ(read.service, "s\xc3\xa4le");
  EXPECT_EQ(read.pool, "v 42");
  EXPECT_EQ(read.expires, kNow + 1);
}

TEST(PreviewS8, ATokenFitsIntoAHeaderAndACookie) {
  EXPECT_EQ(token("p;,\" \x80")
                .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
            std::string::npos);
}

TEST(PreviewS8, NoByteOfATokenCanBeAnother) {
  const std::string good = token();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string other = good;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(read_preview(kKey, other, kNow).fault, TokenFault::invalid) << i;
    EXPECT_EQ(read_preview(kKey, good.substr(0, i), kNow).fault, TokenFault::invalid) << i;
  }
  EXPECT_EQ(read_preview(kKey, good + "A", kNow).fault, TokenFault::invalid);
  EXPECT_EQ(read_preview({9}, good, kNow).fault, TokenFault::invalid) << "another key's";
  EXPECT_EQ(read_preview(kKey, std::string(100'000, '.'), kNow).fault, TokenFault::invalid);
}

TEST(PreviewS8, FollowedUntilItExpires) {
  const auto service = with_backends();
  EXPECT_EQ(preview_of(kKey, service, token(), kNow + 59).pool, 1);
  EXPECT_EQ(preview_of(kKey, service, token(), kNow + 60).ignored, "expired");
}

TEST(PreviewS8, IgnoredForAReason) {
  auto service = with_backends();
  EXPECT_EQ(preview_of(kKey, service, "x", kNow).ignored, "not valid");
  EXPECT_EQ(preview_of(kKey, service, token("p1", kNow + 60, "web"), kNow).ignored, "for another service");
  EXPECT_EQ(preview_of(kKey, service, token("p9"), kNow).ignored, "the pool is gone");
  service.pools[1].backends[0].admin = observe::Admin::maint;
  const auto preview = preview_of(kKey, service, token(), kNow);
  EXPECT_EQ(preview.ignored, "the pool cannot serve");
  EXPECT_EQ(preview.pool, -1);
}

TEST(PreviewS8, TheHeaderGoesBeforeTheCookie) {
  const auto both =
      testing::request("GET", "h", "/", {{"Cookie", "a=b; sluice_preview=c"}, {"x-sluice-preview", "d"}});
  EXPECT_EQ(preview_token(both), "d");
  EXPECT_EQ(preview_token(testing::request("GET", "h", "/", {{"Cookie", "a=b; sluice_preview=c"}})), "c");
  EXPECT_EQ(preview_token(testing::request("GET", "h", "/")), "");
}

TEST(PreviewS8, TheOrderIsListenerTokenKeySplit) {
  auto service =
      testing::sticky_service({100'000, 0, 0}, {{{config::StickyKey::From::header, "U"}}, {}, "api"});
  const auto head = testing::request("GET", "h", "/", {{"U", "u"}});
  EXPECT_EQ(decide(service, head, "", 2, 1).by, DecisionSource::listener);
  EXPECT_EQ(decide(service, head, "", -1, 1).by, DecisionSource::preview);
  EXPECT_EQ(decide(service, head, "", -1, 1).pool, 1u);
  EXPECT_EQ(decide(service, head, "", -1, -1).by, DecisionSource::key);
  EXPECT_EQ(service.sequence->next.load(), 0u);
  const auto steps = explain_steps(service, head, "", -1, Preview{1, {}});
  EXPECT_EQ(steps.back(), "the preview token sends it to pool p1");
  EXPECT_EQ(explain_steps(service, head, "", -1, Preview{-1, "expired"})[1],
            "the preview token is ignored: expired");
}

TEST(PreviewS8, WhoIsOverriddenHasHisKeyAllTheSame) {
  const auto service =
      testing::sticky_service({100'000, 0}, {{{config::StickyKey::From::header, "U"}}, {}, "api"});
  const auto head = testing::request("GET", "h", "/", {{"U", "u"}});
  EXPECT_EQ(user_key(service, decide(service, head, "", -1, 1), head, ""), "u");
  EXPECT_EQ(user_key(service, decide(service, head, "", -1), head, ""), "u");
}

}  // namespace
}  // namespace sluice::route
