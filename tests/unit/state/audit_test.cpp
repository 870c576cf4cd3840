#include "control/state/audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "control/audit/verifier.hpp"
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
      json::serialize(audit_line(attempt())),
      "{\"time\":\"2025-01-31T12:00:00.250Z\",\"uid\":1000,\"pid\":42,\"actor\":\"alice\",\"verb\":\"split\","
      "\"old\":\"api blue=95% green=5%\",\"new\":\"api blue=90% green=10%\",\"generation\":8,"
      "\"reason\":\"more\",\"result\":\"done\"}");
}

TEST(Audit, NothingInALineForgesAnotherOrSteersATerminal) {
  Attempt bad = attempt();
  for (int c = 0; c < 256; ++c) bad.reason += static_cast<char>(c);
  bad.reason +=
      "\xc2\x9b"
      "31m";
  audit::Head head;
  const std::string line = audit::sealed(audit_line(bad), head);
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    EXPECT_GE(static_cast<unsigned char>(line[i]), 0x20) << i;
    EXPECT_NE(line[i], '\x7f');
  }
  EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
  json::error_code error;
  json::parse(line, error);
  EXPECT_FALSE(error);
}

constexpr char kLog[] = "/s/audit.log";

// The files of one log, the oldest first.
protocol::AuditVerified verified(testing::MemoryFiles& files, std::vector<std::string> paths = {kLog}) {
  audit::Verifier verifier;
  for (const auto& path : paths) {
    verifier.file(path);
    verifier.take(*files.content(path));
  }
  return verifier.end(AuditLog(files, kLog).look()->head);
}

int lines_in(const std::string& text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

TEST(Audit, EachLineNamesTheOneBeforeItAlsoOverARotation) {
  testing::MemoryFiles files;
  AuditLog log(files, kLog);
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_FALSE(log.write(attempt()));
  const std::string two = *files.content(kLog);
  EXPECT_EQ(lines_in(two), 2);
  EXPECT_FALSE(files.rename(kLog, "/s/audit.log.1"));
  EXPECT_FALSE(log.write(attempt()));  // not told yet: it goes to where the file went
  log.reopen();
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_EQ(lines_in(*files.content("/s/audit.log.1")), 3);
  EXPECT_EQ(lines_in(*files.content(kLog)), 1);
  const auto all = verified(files, {"/s/audit.log.1", kLog});
  EXPECT_TRUE(all.whole);
  EXPECT_EQ(all.lines, 4u);
  EXPECT_EQ(verified(files).first, 4u);
}

TEST(Audit, AStartGoesOnWithTheChain) {
  testing::MemoryFiles files;
  for (int start = 0; start < 3; ++start) {
    AuditLog log(files, kLog);
    EXPECT_EQ(*log.go_on(attempt()), "");
    EXPECT_FALSE(log.write(attempt()));
  }
  EXPECT_TRUE(verified(files).whole);
  EXPECT_EQ(verified(files).lines, 3u);
}

TEST(Audit, TheChainBeginsBehindTheLinesOfAnEarlierVersion) {
  testing::MemoryFiles files;
  files.put(kLog, "{\"verb\":\"a\"}\n{\"verb\":\"b\"}\n");
  AuditLog log(files, kLog);
  EXPECT_EQ(*log.go_on(attempt()), "2 lines without a hash are of an earlier version: the chain begins here");
  EXPECT_FALSE(log.write(attempt()));
  const auto found = verified(files);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.unchained, 2u);
  EXPECT_EQ(found.lines, 2u);
  (*files.content(kLog))[10] = 'x';  // from here on these are of the chain as well
  EXPECT_EQ(verified(files).fault->kind, "changed");
}

TEST(Audit, ALineThatWasTornByACrashIsToldByTheNextStart) {
  testing::MemoryFiles files;
  AuditLog(files, kLog).write(attempt());
  AuditLog(files, kLog).write(attempt());
  std::string& content = *files.content(kLog);
  content.resize(content.size() - 100);
  AuditLog log(files, kLog);
  const auto told = *log.go_on(attempt());
  EXPECT_NE(told.find("number 1"), std::string::npos) << told;
  EXPECT_FALSE(log.write(attempt()));
  EXPECT_EQ(verified(files).fault->kind, "missing");  // its place was kept: the disk lost what was written

  testing::MemoryFiles fresh;
  AuditLog before(fresh, kLog);
  before.write(attempt());
  *fresh.content(kLog) += "{\"time\":\"20";  // of a line that was never there as a whole
  AuditLog after(fresh, kLog);
  EXPECT_EQ(*after.go_on(attempt()), "the last line was not written to its end: 11 bytes of it are left");
  EXPECT_FALSE(after.write(attempt()));
  const auto found = verified(fresh);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.unchained, 1u);
  ASSERT_EQ(found.notes.size(), 1u);
  EXPECT_EQ(
      found.notes.front(),
      "/s/audit.log:2: the line was not written to its end, as the start at 2025-01-31T12:00:00.250Z says");
}

// While one takes the other's place: whichever writes, the chain is one.
TEST(Audit, TwoProcessesWriteOneChain) {
  testing::MemoryFiles files;
  AuditLog one(files, kLog), other(files, kLog);
  EXPECT_FALSE(one.write(attempt()));
  EXPECT_EQ(*other.go_on(attempt()), "");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(one.write(attempt()));
    EXPECT_FALSE(other.write(attempt()));
  }
  EXPECT_FALSE(files.rename(kLog, "/s/audit.log.1"));
  other.reopen();
  one.share();
  EXPECT_FALSE(other.write(attempt()));
  EXPECT_FALSE(one.write(attempt()));
  EXPECT_TRUE(verified(files, {"/s/audit.log.1", kLog}).whole);
  EXPECT_EQ(verified(files, {"/s/audit.log.1", kLog}).lines, 9u);
}

TEST(Audit, AVersionWithoutTheChainThatWritesMeanwhileIsTold) {
  testing::MemoryFiles files;
  AuditLog log(files, kLog);
  EXPECT_FALSE(log.write(attempt()));
  *files.content(kLog) += "{\"verb\":\"upgrade\"}\n";
  EXPECT_FALSE(log.write(attempt()));
  const auto found = verified(files);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.unchained, 1u);
  EXPECT_EQ(found.lines, 3u);
}

// At every step that the disk may refuse: the chain that is left says what happened, and nothing is a fault.
TEST(Audit, ADiskThatRefusesLeavesAChainThatTellsIt) {
  for (std::size_t step = 1; step <= 6; ++step) {
    testing::MemoryFiles files;
    AuditLog log(files, kLog);
    files.set_plan({.fail_from = step, .fail_to = step});
    int kept = 0;
    for (int i = 0; i < 3; ++i) kept += !log.write(attempt());
    EXPECT_GE(kept, 2) << step;
    files.set_plan({});
    EXPECT_FALSE(log.write(attempt())) << step;
    const auto found = verified(files);
    EXPECT_TRUE(found.whole) << step << ": " << (found.fault ? found.fault->text : "");
  }
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
