// What a target reads.
#include "control/notify/message.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "unit/notify/notice.hpp"

namespace sluice::notify {
namespace {

using config::NoticeFormat;
using testing::HasSubstr;
using testing::Not;

boost::json::object json_of(const Message& message) {
  return boost::json::parse(body_of(message, NoticeFormat::json, "edge-1")).as_object();
}
std::string slack_of(const Message& message) {
  const auto body = boost::json::parse(body_of(message, NoticeFormat::slack, "edge-1")).as_object();
  EXPECT_EQ(body.size(), 1u);
  return std::string(body.at("text").as_string());
}

// control/notify/NOTICES.md
TEST(Messages, OneNoticeHasEveryField) {
  Notice notice = notice_of(NoticeKind::backend_down);
  notice.detail = {{"was", "up"}};
  notice.undo = "sluicectl ready api/blue/b1";
  const auto body = json_of(message_of(notice));
  const boost::json::object wanted = {{"event", "backend_down"},
                                      {"at", "2023-11-14T22:13:20.123Z"},
                                      {"host", "edge-1"},
                                      {"count", 1},
                                      {"service", "api"},
                                      {"services", {"api"}},
                                      {"pool", "blue"},
                                      {"backend", "b1"},
                                      {"generation", 7},
                                      {"actor", ""},
                                      {"reason", "connect: Connection refused"},
                                      {"undo", "sluicectl ready api/blue/b1"},
                                      {"next", "sluicectl status api"},
                                      {"text", "api/blue/b1 is down: connect: Connection refused"},
                                      {"detail", {{"was", "up"}}}};
  EXPECT_EQ(body, wanted);
}

TEST(Messages, AGroupHasWhatItsNoticesShareAndEachOfThem) {
  Message message = message_of(notice_of(NoticeKind::backend_down, "api", "b1"));
  message.add(notice_of(NoticeKind::backend_down, "api", "b2"));
  message.add(notice_of(NoticeKind::backend_down, "web", "b3"));
  const auto body = json_of(message);
  EXPECT_EQ(body.at("count"), 3);
  EXPECT_EQ(body.at("service"), "");
  EXPECT_EQ(body.at("services"), (boost::json::array{"api", "web"}));
  EXPECT_EQ(body.at("pool"), "blue");
  EXPECT_EQ(body.at("backend"), "");
  EXPECT_EQ(body.at("next"), "sluicectl events");
  EXPECT_EQ(body.at("text"), "3 backends are down: api/blue/b1, api/blue/b2, web/blue/b3");
  ASSERT_EQ(body.at("notices").as_array().size(), 3u);
  EXPECT_EQ(body.at("notices").as_array()[2].at("backend"), "b3");
  EXPECT_FALSE(body.contains("detail"));
}

TEST(Messages, OfALargeGroupSomeAreListedAndAllAreCounted) {
  Message message = message_of(notice_of(NoticeKind::backend_up, "api", "b0"));
  for (int i = 1; i < 1000; ++i)
    message.add(notice_of(NoticeKind::backend_up, "api", "b" + std::to_string(i)));
  const auto body = json_of(message);
  EXPECT_EQ(body.at("count"), 1000);
  EXPECT_EQ(body.at("notices").as_array().size(), Message::kMostListed);
  EXPECT_THAT(std::string(body.at("text").as_string()), testing::EndsWith("api/blue/b7 and 992 more"));
}

TEST(Messages, NumbersAreToldByKind) {
  Message message;
  message.kind = Message::Kind::more;
  message.counts[static_cast<std::size_t>(NoticeKind::backend_down)] = 10;
  message.counts[static_cast<std::size_t>(NoticeKind::gate_failed)] = 2;
  const auto body = json_of(message);
  EXPECT_EQ(body.at("event"), "more");
  EXPECT_EQ(body.at("count"), 12);
  EXPECT_EQ(body.at("counts"), (boost::json::object{{"gate_failed", 2}, {"backend_down", 10}}));
  EXPECT_EQ(body.at("text"), "12 more: 2 gate failed, 10 backend down");
  EXPECT_THAT(slack_of(message),
              HasSubstr("12 more: 2 gate failed, 10 backend down. Next: `sluicectl events`"));
}

TEST(Messages, SlackReadsOneLine) {
  EXPECT_EQ(slack_of(message_of(notice_of(NoticeKind::backend_down))),
            "*backend down* (edge-1): api/blue/b1 is down: connect: Connection refused. "
            "Next: `sluicectl status api`");
  Notice notice = notice_of(NoticeKind::rolled_back);
  notice.undo = "sluicectl undo --to-generation 6";
  EXPECT_THAT(slack_of(message_of(notice)), HasSubstr(". Undo: `sluicectl undo --to-generation 6`. Next: `"));
}

// Slack's own: https://docs.slack.dev/messaging/formatting-message-text says & < and > are to be escaped, and
// nothing else; so nobody can call the channel by what an operator gave as a reason.
TEST(Messages, SlackObeysNothingThatIsInATextOfOthers) {
  Notice notice = notice_of(NoticeKind::rolled_back);
  notice.text = "went back: <!channel> a & b\nsecond \x1b[31m line \xff";
  const std::string line = slack_of(message_of(notice));
  EXPECT_THAT(line, HasSubstr("&lt;!channel&gt; a &amp; b second"));
  EXPECT_THAT(line, Not(testing::AnyOf(HasSubstr("\n"), HasSubstr("\x1b"), HasSubstr("\xff"))));
}

TEST(Messages, ATextIsNoLongerThanAnybodyReads) {
  Notice notice = notice_of(NoticeKind::gate_failed);
  notice.text = notice.reason = std::string(100'000, 'x');
  EXPECT_LT(body_of(message_of(notice), NoticeFormat::json, "h").size(), 6'000u);
  notice.text.clear();
  for (int i = 0; i < 5000; ++i) notice.text += "\u00e4";
  const std::string text(json_of(message_of(notice)).at("text").as_string());
  EXPECT_THAT(text, testing::EndsWith("\u00e4 ..."));
}

TEST(Messages, ADetailIsCleanedAndCutAsWell) {
  Notice notice = notice_of(NoticeKind::backend_down);
  notice.detail = {{"error", "bad \xff \x7f"}, {"why", std::string(100'000, 'x')}};
  const auto detail = json_of(message_of(notice)).at("detail").as_object();
  EXPECT_EQ(detail.at("error"), "bad \ufffd \ufffd");
  EXPECT_LT(detail.at("why").as_string().size(), 3'000u);
}

TEST(Messages, ATestSaysThatItIsOne) {
  Message message;
  message.kind = Message::Kind::test;
  EXPECT_EQ(json_of(message).at("event"), "test");
  EXPECT_THAT(slack_of(message), HasSubstr("this is a test"));
}

TEST(Notices, AreForWhoeverWantsThem) {
  config::NotifySpec all, some;
  some.on = {NoticeKind::backend_down};
  some.services = {"web", "shop-*"};
  EXPECT_TRUE(is_for(all, notice_of(NoticeKind::backend_up, "x")));
  EXPECT_TRUE(is_for(some, notice_of(NoticeKind::backend_down, "web")));
  EXPECT_TRUE(is_for(some, notice_of(NoticeKind::backend_down, "shop-1")));
  EXPECT_FALSE(is_for(some, notice_of(NoticeKind::backend_down, "shop")));
  EXPECT_FALSE(is_for(some, notice_of(NoticeKind::backend_up, "web")));
  Notice of_daemon = notice_of(NoticeKind::backend_down);
  of_daemon.services.clear();
  EXPECT_TRUE(is_for(some, of_daemon));
  Notice of_two = notice_of(NoticeKind::backend_down, "api");
  of_two.services.emplace_back("web");
  EXPECT_TRUE(is_for(some, of_two));
}

}  // namespace
}  // namespace sluice::notify
