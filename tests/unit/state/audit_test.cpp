#include "control/state/audit.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "control/state/text.hpp"
#include "support/memory_files.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;

Attempt attempt() {
  return {1'738'324'800'250,
          {1000, 42, "alice"},
          "split",
          "api blue=95% green=5%",
          "api blue=90% green=10%",
          8,
          "more",
          "done"};
}

TEST(Audit, SaysWhoWhatWhenAndWhy) {  // T4
  EXPECT_EQ(
      audit_line(attempt()),
      "{\"time\":\"2025-01-31T12:00:00.250Z\",\"uid\":1000,\"pid\":42,\"actor\":\"alice\",\"verb\":\"split\","
      "\"old\":\"api blue=95% green=5%\",\"new\":\"api blue=90% green=10%\",\"generation\":8,"
      "\"reason\":\"more\",\"result\":\"done\"}\n");
}

TEST(Audit, NothingInALineForgesAnotherOrSteersATerminal) {
  Attempt bad = attempt();
  for (int c = 0; c < 256; ++c) bad.reason += static_cast<char>(c);
  bad.reason +=
      "\xc2\x9b"
      "31m";
  const std::string line = audit_line(bad);
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    EXPECT_GE(static_cast<unsigned char>(line[i]), 0x20) << i;
    EXPECT_NE(line[i], '\x7f');
  }
  EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
  json::error_code error;
  json::parse(line, error);
  EXPECT_FALSE(error);
}

TEST(Audit, AppendsAndStartsAnewAfterRotation) {
  testing::MemoryFiles files;
  AuditLog log(files, "/s/audit.log");
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_FALSE(log.write(attempt()));
  const std::string two = audit_line(attempt()) + audit_line(attempt());
  EXPECT_EQ(*files.content("/s/audit.log"), two);
  EXPECT_FALSE(files.rename("/s/audit.log", "/s/audit.log.1"));
  log.reopen();
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_EQ(*files.content("/s/audit.log.1"), two);
  EXPECT_EQ(*files.content("/s/audit.log"), audit_line(attempt()));
}

TEST(Audit, ReportsADiskThatRefuses) {
  testing::MemoryFiles files;
  AuditLog log(files, "/s/audit.log");
  files.set_plan({.fail_from = 1, .fail_to = 2});
  EXPECT_TRUE(log.write(attempt()));
  EXPECT_TRUE(log.write(attempt()));
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_EQ(*files.content("/s/audit.log"), audit_line(attempt()));
}

TEST(Printable, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(printable("grün €5 😀"), "grün €5 😀");
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(printable("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");                  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
  EXPECT_EQ(printable("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");                  // cut off
}

}  // namespace
}  // namespace sluice::state
