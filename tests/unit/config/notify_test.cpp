// Targets of notices: what is refused, and that a URL is shown nowhere.
#include <fstream>

#include "proxy/config/dump.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::HasSubstr;
using testing::Not;

const char kSecret[] = "T0SECRET/B0SECRET";

std::string target(const std::string& text) { return top_3_1("notify:\n  - {" + text + "}"); }
std::string with_url(const std::string& text) { return target("url: \"http://h/x\", name: ops, " + text); }

TEST(BadConfig, Notify) {
  expect_complaints({
      {top_3_1("notify: {name: ops}"), 3, 9, "'notify' must be a list, not a map", ""},
      {target("url: \"http://h\""), 4, 5, "a target of notices needs the key 'name'", ""},
      {target("name: ops"), 4, 5, "has one of url and url_file, the file that holds the URL", ""},
      {target("name: ops, ur: \"http://h\""), 4, 17, "unknown key 'ur'", "url"},
      {target("name: \"a b\", url: \"http://h\""), 4, 12, "'a b' is not a name", ""},
      {target("name: ops, url_file: /nowhere"), 4, 27, "the file '/nowhere' cannot be read", ""},
      {with_url("format: slak"), 4, 44, "'slak'", "slack"},
      {with_url("on: [rolled_bak]"), 4, 41, "'rolled_bak'", "rolled_back"},
      {with_url("on: [rolled_back, rolled_back]"), 4, 54, "duplicate event", ""},
      {with_url("on: []"), 4, 40, "'on' is empty, leave it out to be told of everything", ""},
      {with_url("on: rolled_back"), 4, 40, "'on' must be a list, not 'rolled_back'", "[rolled_back]"},
      {with_url("services: []"), 4, 46, "leave it out to be told of all services", ""},
      {with_url("services: [apii]"), 4, 36, "there is no service 'apii'", "api"},
      {with_url("per_minute: 0"), 4, 48, "from 1 to 600", ""},
      {with_url("timeout: 61s"), 4, 45, "'timeout' is at most 1m", ""},
      {with_url("group_wait: 1h"), 4, 48, "'group_wait' is at most 10m", ""},
      {with_url("ca: /etc/hostname"), 4, 40, "'ca' has a meaning only with an https:// URL", ""},
      {with_url("basic_auth: {user: a, password_file: /etc/hostname}, bearer_file: /etc/hostname"), 4, 102,
       "one of basic_auth and bearer_file", ""},
      {top_3_1("notify: [{name: a, url: \"http://h\"}, {name: a, url: \"http://h\"}]"), 3, 45,
       "duplicate target of notices 'a'", ""},
  });
}

TEST(Notify, OneOfURLAndFile) {
  const Loaded loaded = load_text(target("name: ops, url: \"http://h\", url_file: /etc/hostname"), "f.yaml");
  ASSERT_FALSE(loaded.complaints.empty());
  EXPECT_THAT(loaded.complaints[0].text(),
              HasSubstr("f.yaml:4:5: a target of notices has one of url and url_file, here are both"));
}

TEST(Notify, NoComplaintShowsAURL) {
  for (const std::string start :
       {"htps://h/", "h.com/", "https://u:p@h/", "https://h/#", "https:///", "https://h/ "}) {
    const Loaded loaded = load_text(target("name: ops, url: \"" + start + kSecret + "\""), "f.yaml");
    ASSERT_EQ(loaded.complaints.size(), 1u) << start;
    EXPECT_THAT(loaded.complaints[0].text(), HasSubstr("is not a URL that can be asked: ")) << start;
    EXPECT_THAT(loaded.complaints[0].text(), Not(HasSubstr("SECRET"))) << start;
  }
}

TEST(Notify, AFileWithoutAURLIsNamedAndNotShown) {
  const std::string path = testing::TempDir() + "notify_url";
  std::ofstream(path) << "ftp://h/" << kSecret << "\n";
  const Loaded loaded = load_text(target("name: ops, url_file: " + path), "f.yaml");
  ASSERT_EQ(loaded.complaints.size(), 1u);
  EXPECT_THAT(loaded.complaints[0].text(), HasSubstr("'url_file': the file '" + path + "' holds no URL: "));
  EXPECT_THAT(loaded.complaints[0].text(), Not(HasSubstr("SECRET")));
}

TEST(Notify, IsWrittenAndLoadsBackToTheSame) {
  const std::string path = testing::TempDir() + "notify_good_url";
  std::ofstream(path) << "https://h/" << kSecret << "\n";
  const Loaded first = load_text(
      target("name: ops, url_file: " + path +
             ", format: slack, on: [rolled_back, backend_up], services: [api, \"f*\"], per_minute: 3, "
             "group_wait: 0s, timeout: 5s, basic_auth: {user: a, password_file: /etc/hostname}"),
      "f.yaml");
  ASSERT_TRUE(first.spec) << testing::PrintToString(texts(first.complaints));
  const std::string dumped = to_yaml(*first.spec);
  EXPECT_THAT(dumped, Not(HasSubstr("SECRET")));
  const Loaded second = load_text(dumped, "f.yaml");
  ASSERT_TRUE(second.spec) << testing::PrintToString(texts(second.complaints)) << dumped;
  EXPECT_EQ(*second.spec, *first.spec) << dumped;
}

// What is shown instead of the URL is no URL: whoever loads it again is told so.
TEST(Notify, AURLIsWrittenWithoutItsSecret) {
  const std::string url = std::string("https://hooks.slack.com/services/") + kSecret + "?sig=SECRET";
  const Loaded loaded = load_text(target("name: ops, url: \"" + url + "\""), "f.yaml");
  ASSERT_TRUE(loaded.spec);
  EXPECT_EQ(loaded.spec->notify[0].url, url);
  const std::string dumped = to_yaml(*loaded.spec);
  EXPECT_THAT(dumped, HasSubstr("https://hooks.slack.com/***"));
  EXPECT_THAT(dumped, Not(HasSubstr("SECRET")));
  const Loaded again = load_text(dumped, "f.yaml");
  ASSERT_EQ(again.complaints.size(), 1u);
  EXPECT_THAT(again.complaints[0].what, HasSubstr("write the whole URL"));
}

}  // namespace
}  // namespace sluice::config
