// What a collector's answer means: when a batch is sent again, and how long that waits.
#include "control/tracing/answer.hpp"

#include <gtest/gtest.h>

namespace sluice::tracing {
namespace {

using std::chrono::seconds;

io::HttpAnswer answer(int status, const std::string& retry_after = {}) {
  io::HttpAnswer made;
  made.status = status;
  if (!retry_after.empty()) made.fields["retry-after"] = retry_after;
  return made;
}

TEST(Answer, TakenByAny2xx) {
  for (const int status : {200, 202, 204}) EXPECT_EQ(judge(answer(status), 1, 0).next, Next::taken) << status;
}

TEST(Answer, OnlyFourStatusesAreSentAgain) {
  for (const int status : {429, 502, 503, 504})
    EXPECT_EQ(judge(answer(status), 1, 0).next, Next::again) << status;
  for (const int status : {301, 400, 401, 404, 408, 413, 500, 501})
    EXPECT_EQ(judge(answer(status, "1"), 1, 0).next, Next::lost) << status;
}

TEST(Answer, WhoCannotBeReachedIsNotAskedAgain) {
  io::HttpAnswer none;
  none.problem = "connect: Connection refused";
  const Verdict verdict = judge(none, 1, 0);
  EXPECT_EQ(verdict.next, Next::lost);
  EXPECT_EQ(verdict.why, "connect: Connection refused");
}

TEST(Answer, FiveTriesAtMost) {
  EXPECT_EQ(judge(answer(503), 4, 0).next, Next::again);
  EXPECT_EQ(judge(answer(503), 5, 0).next, Next::lost);
  EXPECT_EQ(judge(answer(503), 5, 0).why, "status 503");
}

TEST(Answer, WaitsAsLongAsItIsAskedTo) {
  EXPECT_EQ(judge(answer(503, "7"), 1, 0).wait, seconds(7));
  EXPECT_EQ(judge(answer(429, "0"), 3, 0).wait, seconds(0));
  EXPECT_EQ(judge(answer(503, "Thu, 01 Jan 1970 00:01:40 GMT"), 1, 90).wait, seconds(10));
  EXPECT_EQ(judge(answer(503, "86400"), 1, 0).wait, kLongestWait);
}

TEST(Answer, ElseTwiceAsLongEachTime) {
  for (const auto& [tries, wait] : {std::pair(1, 1), {2, 2}, {3, 4}, {4, 8}})
    EXPECT_EQ(judge(answer(503, "soon"), tries, 0).wait, seconds(wait)) << tries;
}

}  // namespace
}  // namespace sluice::tracing
