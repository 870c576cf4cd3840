// F1, M1, S7: who has a flag and whose requests are mirrored.
#include "proxy/route/traffic.hpp"

#include <gtest/gtest.h>

#include "proxy/base/hash.hpp"

namespace sluice::route {
namespace {

constexpr int kUsers = 20'000;
std::string user(int n) { return "user-" + std::to_string(n); }

double on_for(const Flag& flag) {
  int count = 0;
  for (int n = 0; n < kUsers; ++n) count += is_on(flag, user(n));
  return double(count) / kUsers;
}

TEST(FlagsF1, AreOnForTheirShareAndRaisingKeepsWhoWasIn) {
  for (const Share share : {0u, 10'000u, 50'000u, 100'000u})
    EXPECT_NEAR(on_for({"a", share, ""}), share / double(kWhole), 0.01);
  for (int n = 0; n < kUsers; ++n)
    if (is_on({"a", 10'000, ""}, user(n))) {
      EXPECT_TRUE(is_on({"a", 50'000, ""}, user(n)));
    }
}

TEST(FlagsF1, AreTheFrozenHashOfNameAndKey) {
  for (int n = 0; n < 100; ++n)
    EXPECT_EQ(is_on({"new-checkout", 30'000, ""}, user(n)),
              scale(hash64("flag", "new-checkout", user(n)), kWhole) < 30'000);
}

TEST(FlagsF1, AreOffForThoseWithoutAKeyUnlessTheyAreForAll) {
  EXPECT_FALSE(is_on({"a", 99'999, ""}, ""));
  EXPECT_TRUE(is_on({"a", 100'000, ""}, ""));
}

TEST(FlagsF1, AreListedForTheBackend) {
  const std::vector<Flag> flags = {{"a", 100'000, ""}, {"b", 0, "{}"}};
  std::string text;
  append_flags(text, flags, "u");
  EXPECT_EQ(text, "a=on,b=off");
}

TEST(FlagsS7, AndMirrorsAndPoolsAreIndependent) {
  int two_flags = 0, flag_and_mirror = 0, flag_and_pool = 0;
  for (int n = 0; n < kUsers; ++n) {
    const bool a = is_on({"a", 50'000, ""}, user(n));
    two_flags += a && is_on({"b", 50'000, ""}, user(n));
    flag_and_mirror += a && is_mirrored(50'000, "a", user(n), 0);
    flag_and_pool += a && scale(hash64("pool", "a", user(n)), kWhole) < 50'000;
  }
  for (const int both : {two_flags, flag_and_mirror, flag_and_pool})
    EXPECT_NEAR(double(both) / kUsers, 0.25, 0.02);
}

TEST(MirrorsM1, TakeUsersWholeAndTheKeylessByChance) {
  for (int n = 0; n < 100; ++n)
    EXPECT_EQ(is_mirrored(30'000, "api", user(n), 1), is_mirrored(30'000, "api", user(n), UINT64_MAX));
  EXPECT_TRUE(is_mirrored(30'000, "api", "", 0));
  EXPECT_FALSE(is_mirrored(30'000, "api", "", UINT64_MAX));
  EXPECT_TRUE(is_mirrored(100'000, "api", "", UINT64_MAX));
}

}  // namespace
}  // namespace sluice::route
