#include "control/acme/messages.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sluice::acme {
namespace {

using namespace std::chrono_literals;

Complaint complaint(const char* text) { return complaint_in(boost::json::parse(text)); }

TEST(Messages, AProblemIsOneLineWithWhatIsInsideIt) {
  const auto plain = complaint(R"({"type":"urn:ietf:params:acme:error:badCSR","detail":"no\nnames"})");
  EXPECT_EQ(plain.type, "badCSR");
  EXPECT_EQ(plain.text, "no names (badCSR)");
  EXPECT_EQ(complaint(R"({"type":"urn:ietf:params:acme:error:compound","detail":"some","subproblems":[
      {"detail":"none here","identifier":{"type":"dns","value":"a.test"}}, {"detail":"nor there"}]})")
                .text,
            "some (compound; a.test: none here; nor there)");
  EXPECT_EQ(complaint("{}").text, "");
  EXPECT_EQ(complaint("[1]").text, "");
  EXPECT_EQ(complaint(R"({"type":7,"detail":{}})").text, "");
  EXPECT_LT(complaint(("{\"detail\":\"" + std::string(100000, 'x') + "\"}").c_str()).text.size(), 600u);
}

TEST(Messages, TimesAreReadAsRfc3339WritesThem) {
  EXPECT_EQ(read_time("1970-01-01T00:01:00Z"), 60'000);
  EXPECT_EQ(read_time("1970-01-01T00:01:00.123456Z"), 60'000);
  EXPECT_EQ(read_time("1970-01-01T01:01:00+01:00"), 60'000);
  EXPECT_EQ(read_time("1969-12-31T23:01:00-01:00"), 60'000);
  for (const char* wrong : {"", "1970", "1970-01-01T00:01:00", "1970-13-01T00:01:00Z",
                            "1970-01-01T00:01:00+1", "1970-01-01T00:01:00.", "19x0-01-01T00:01:00Z"})
    EXPECT_FALSE(read_time(wrong)) << wrong;
}

TEST(Messages, AWindowEndsAfterItBegins) {
  Answer answer;
  answer.status = 200;
  answer.body = R"({"suggestedWindow":{"start":"1970-01-01T00:00:01Z","end":"1970-01-01T00:00:02Z"}})";
  ASSERT_TRUE(read_window(answer));
  EXPECT_EQ(read_window(answer)->start, 1000);
  EXPECT_EQ(read_window(answer)->end, 2000);
  answer.body = R"({"suggestedWindow":{"start":"1970-01-01T00:00:02Z","end":"1970-01-01T00:00:01Z"}})";
  EXPECT_FALSE(read_window(answer));
  answer.body = "{";
  EXPECT_FALSE(read_window(answer));
}

TEST(Messages, AServerThatIsDownHasRefusedNothing) {
  Answer answer;
  answer.status = 503;
  answer.body = "<html>";
  answer.retry_after = 7s;
  EXPECT_EQ(failure_of(answer, "the order").kind, FailureKind::unreachable);
  EXPECT_EQ(failure_of(answer, "the order").what, "the order: status 503");
  EXPECT_EQ(failure_of(answer, "the order").retry_after, 7s);
  answer.body = R"({"type":"urn:ietf:params:acme:error:serverInternal","detail":"broken"})";
  EXPECT_EQ(failure_of(answer, "the order").kind, FailureKind::refused);
  EXPECT_EQ(failure_of(answer, "the order").what, "the order: status 503, broken (serverInternal)");
}

}  // namespace
}  // namespace sluice::acme
