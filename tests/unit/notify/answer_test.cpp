// What answers mean.
#include "control/notify/answer.hpp"

#include <gmock/gmock.h>

namespace sluice::notify {
namespace {

using std::chrono::seconds;

const char kUrl[] = "https://hooks.slack.com/services/T0SECRET01/B0SECRET01/xyz-secret-xyz?sig=querysecret";

Attempt of(int status, const std::string& body = {}, const std::string& retry_after = {}) {
  io::HttpAnswer answer;
  answer.status = status;
  answer.body = body;
  if (!retry_after.empty()) answer.fields["retry-after"] = retry_after;
  return judged(answer, kUrl, 1'700'000'000);
}

TEST(Answers, WhichAreTriedAgain) {
  for (int status : {200, 201, 204}) EXPECT_EQ(of(status).outcome, Outcome::delivered) << status;
  for (int status : {408, 429, 500, 502, 503, 599}) EXPECT_EQ(of(status).outcome, Outcome::later) << status;
  for (int status : {301, 308, 400, 401, 403, 404, 410, 413, 422})
    EXPECT_EQ(of(status).outcome, Outcome::refused) << status;
  io::HttpAnswer none;
  none.problem = "connect: Connection refused";
  EXPECT_EQ(judged(none, kUrl, 0).outcome, Outcome::later);
  EXPECT_EQ(judged(none, kUrl, 0).text, "connect: Connection refused");
}

TEST(Answers, SayWhy) {
  EXPECT_EQ(of(200, "ok").text, "status 200");
  EXPECT_EQ(of(404, "no_service").text, "status 404: no_service");
  EXPECT_EQ(of(500, "a\r\nb\n\n").text, "status 500: a  b");
  EXPECT_EQ(of(302, "moved").text, "status 302, redirects are not followed");
  EXPECT_EQ(of(400, std::string(500, 'x')).text, "status 400: " + std::string(120, 'x'));
}

// Many servers say back what they were asked for.
TEST(Answers, NothingOfTheURLIsSaid) {
  for (const char* said : {"/services/T0SECRET01/B0SECRET01/xyz-secret-xyz was not found",
                           "no hook xyz-secret-xyz", "T0SECRET01 is over", "bad sig querysecret"})
    EXPECT_EQ(of(404, said).text, "status 404") << said;
}

TEST(Answers, RetryAfterIsSecondsOrADate) {
  EXPECT_EQ(of(429, "", "30").wait, seconds(30));
  EXPECT_EQ(of(503, "", "Tue, 14 Nov 2023 22:14:20 GMT").wait, seconds(60));
  EXPECT_EQ(of(503, "", "Tue, 14 Nov 2023 22:12:20 GMT").wait, seconds(0)) << "it has passed";
  for (const char* none : {"", "soon", "-1", "1.5", "Tue, 14 Nov 2023 22:14:20 GMT x"})
    EXPECT_FALSE(of(429, "", none).wait) << none;
  EXPECT_FALSE(of(404, "", "30").wait);
}

}  // namespace
}  // namespace sluice::notify
