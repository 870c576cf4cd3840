// Durations, shares and sizes as operators write them.
#include "proxy/base/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

template <class T>
std::string refusal(const Parsed<T>& parsed) {
  return parsed.has_value() ? "accepted" : parsed.error().text();
}

TEST(Duration, IsReadAsWritten) {
  const std::pair<const char*, std::chrono::milliseconds> rows[] = {{"250ms", 250ms},
                                                                    {"30s", 30s},
                                                                    {"10m", 10min},
                                                                    {"1h", 1h},
                                                                    {"0", 0ms},
                                                                    {"0s", 0ms},
                                                                    {"1.5s", 1500ms},
                                                                    {"0.25h", 15min},
                                                                    {"30d", 720h},
                                                                    {"365d", kLongestDuration},
                                                                    {"007s", 7s},
                                                                    {"1.500s", 1500ms},
                                                                    {"8760h", kLongestDuration},
                                                                    {"1.5000s", 1500ms},
                                                                    {"31536000s", kLongestDuration}};
  for (const auto& [text, expected] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().text();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(Duration, IsRefusedWithWhatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {
      {"30 sec", "did you mean '30s'?"},
      {"30", "did you mean '30s'?"},
      {"5min", "did you mean '5m'?"},
      {"2 hours", "did you mean '2h'?"},
      {"1.5 Days", "did you mean '1.5d'?"},
      {"100 millis", "did you mean '100ms'?"},
      {"10M", "did you mean '10m'?"},
      {"fast", "'fast' is not a duration, write a number and its unit, such as 250ms, 30s, 10m, 1h or 30d"},
      {"", "'' is not a duration"},
      {".5s", "is not a duration"},
      {"1h30m", "is not a duration"},
      {"5us", "is not a duration"},
      {"+5s", "is not a duration"},
      {" 5s", "is not a duration"},
      {"-5s", "'-5s' is negative"},
      {"8761h", "too long, at most 8760h"},
      {"366d", "too long, at most 8760h"},
      {"999999999999999999999999h", "too long"},
      {"18446744073709551616ms", "too long"},
      {"0.1ms", "finer than a millisecond"},
      {"1.0001s", "finer than a millisecond"}};
  for (const auto& [text, reason] : rows)
    EXPECT_THAT(refusal(parse_duration(text)), HasSubstr(reason)) << text;
}

TEST(Duration, IsWrittenInTheLargestUnitThatFitsAndReadBack) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(48h), "48h");
  for (auto d = 1ms; d <= kLongestDuration; d = d * 3 + 1ms)
    EXPECT_EQ(*parse_duration(format_duration(d)), d);
}

TEST(DurationText, SaysWhatPeopleReadOfIt) {
  const std::pair<std::chrono::milliseconds, const char*> rows[] = {
      {0ms, "0s"},   {-5ms, "0s"},      {1ms, "1ms"},           {350ms, "350ms"},   {999ms, "999ms"},
      {1s, "1s"},    {1250ms, "1.25s"}, {3487ms, "3.48s"},      {12500ms, "12.5s"}, {59999ms, "59.9s"},
      {60s, "1m"},   {61s, "1m 1s"},    {3598494ms, "59m 58s"}, {1h, "1h"},         {3720s, "1h 2m"},
      {3659s, "1h"}, {24h, "1d"},       {51h, "2d 3h"},         {24h * 30, "30d"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(duration_text(duration), text) << duration.count();
}

TEST(TimeText, IsUtcWithMilliseconds) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time_text(1'709'210'096'007), "2024-02-29T12:34:56.007Z");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(time_text(std::chrono::system_clock::time_point(1'709'210'096'007ms)),
            "2024-02-29T12:34:56.007Z");
}

TEST(ShareText, IsExactToAThousandthOfAPercent) {
  EXPECT_EQ(*parse_share("5%"), 5'000u);
  EXPECT_EQ(*parse_share("0.125%"), 125u);
  EXPECT_EQ(*parse_share("0.001%"), 1u);
  EXPECT_EQ(*parse_share("33.3330%"), 33'333u);
  EXPECT_EQ(*parse_share("100 %"), kWhole);
  EXPECT_EQ(*parse_share("0%"), 0u);
  for (Share share = 0; share <= kWhole; ++share) ASSERT_EQ(*parse_share(format_share(share)), share);
  EXPECT_EQ(format_share(125), "0.125%");
  EXPECT_EQ(format_share(5'000), "5%");
  EXPECT_EQ(format_share(99'990), "99.99%");
}

TEST(ShareText, IsRefusedWithWhatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {
      {"95", "did you mean '95%'?"},
      {"0.95", "'0.95' is not a percentage, write it with its sign, such as 5% or 0.125%"},
      {"%", "is not a percentage"},
      {"", "is not a percentage"},
      {"5%%", "is not a percentage"},
      {"5 percent", "is not a percentage"},
      {"-5%", "'-5%' is negative"},
      {"100.001%", "more than 100 %"},
      {"100.0001%", "more than 100 %"},
      {"99999999999999999999%", "more than 100 %"},
      {"0.0001%", "finer than 0.001 %"}};
  for (const auto& [text, reason] : rows) EXPECT_THAT(refusal(parse_share(text)), HasSubstr(reason)) << text;
}

TEST(ShareNumber, IsAFractionOfOne) {
  EXPECT_EQ(*share_from_fraction(0.05), 5'000u);
  EXPECT_EQ(*share_from_fraction(0), 0u);
  EXPECT_EQ(*share_from_fraction(1), kWhole);
  for (Share share = 0; share <= kWhole; ++share) ASSERT_EQ(*share_from_fraction(share / 100'000.0), share);
  for (double wrong : {-0.1, 1.00001, 5.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THAT(refusal(share_from_fraction(wrong)), HasSubstr("from 0 to 1")) << wrong;
  EXPECT_THAT(refusal(share_from_fraction(1.0 / 3)), HasSubstr("finer than 0.001 %"));
}

TEST(Size, IsInBytes) {
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_EQ(*parse_size("64KiB"), 65'536u);
  EXPECT_EQ(*parse_size("10MiB"), 10u << 20);
  EXPECT_EQ(*parse_size("1.5GiB"), 3u << 29);
  EXPECT_EQ(*parse_size("7B"), 7u);
  EXPECT_EQ(*parse_size("0"), 0u);
}

TEST(Size, IsRefusedWithWhatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {{"64KB", "did you mean '64KiB'?"},
                                                      {"64 k", "did you mean '64KiB'?"},
                                                      {"10mb", "did you mean '10MiB'?"},
                                                      {"big", "'big' is not a size, write bytes or a number"},
                                                      {"-1", "'-1' is negative"},
                                                      {"1.5", "not a whole number of bytes"},
                                                      {"99999999999999999999GiB", "too large"},
                                                      {"999999999999999GiB", "too large"},
                                                      {"", "is not a size"}};
  for (const auto& [text, reason] : rows) EXPECT_THAT(refusal(parse_size(text)), HasSubstr(reason)) << text;
}

TEST(Quoted, KeepsTheTerminalSafe) {
  EXPECT_EQ(quoted("a\nb\x1b[31m"), "'a?b?[31m'");
  EXPECT_EQ(quoted(std::string(100, 'x')), "'" + std::string(80, 'x') + "...'");
  EXPECT_EQ(quoted(""), "''");
}

}  // namespace
}  // namespace sluice
