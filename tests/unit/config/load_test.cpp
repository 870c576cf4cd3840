// Loading as a whole: everything is said at once, files that cannot be read, input that is no configuration.
#include "proxy/config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Load, OfManyMistakesTheFirstAreShown) {
  std::string yaml = top_3_1("routes:\n");
  const auto with = [&](std::size_t mistakes) {
    std::string text = yaml;
    for (std::size_t i = 0; i < mistakes; ++i) text += "  - {service: nobody}\n";
    return load_text(text, "f.yaml").complaints;
  };
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n') + 1; };
  EXPECT_EQ(text_of(with(1)), with(1)[0].text());
  EXPECT_EQ(lines(text_of(with(kMostShown))), kMostShown);
  const auto many = with(kMostShown + 580);
  EXPECT_THAT(many, SizeIs(kMostShown + 580)) << "all are found";
  EXPECT_EQ(lines(text_of(many)), kMostShown + 1);
  EXPECT_THAT(text_of(many), testing::StartsWith(many[0].text() + "\n" + many[1].text() + "\n"));
  EXPECT_THAT(text_of(many), testing::EndsWith(many[kMostShown - 1].text() + "\nand 580 more"));
}

TEST(Load, SaysEverythingAtOnceInTheOrderOfTheFile) {
  const Loaded loaded = load_text(
      "listeners: [{name: web, bind: \"127.0.0.1\"}]\n"
      "services:\n"
      "  api:\n"
      "    pools: {blue: {backends: [\"h:1\"], weight: 2}, green: {backends: [\"h:0\"]}}\n"
      "    split: {blue: 95%, gren: 10%}\n"
      "    balance: leastrequests\n"
      "    balance: hash\n"
      "routes: [{service: apy}]\n"
      "zebra: 1\n",
      "many.yaml");
  EXPECT_FALSE(loaded.spec);
  EXPECT_THAT(
      texts(loaded.complaints),
      ElementsAre(
          HasSubstr("many.yaml:1:31: 'bind': '127.0.0.1' is not an address, it has no port"),
          HasSubstr("many.yaml:4:39: unknown key 'weight' in pool 'blue'"),
          HasSubstr("many.yaml:4:70: a backend: 'h:0' is not an address"),
          HasSubstr("many.yaml:5:5: the shares of service 'api' add up to 105 %"),
          HasSubstr(
              "many.yaml:5:24: service 'api' has no pool 'gren', its pools are blue and green, did you mean "
              "'green'?"),
          HasSubstr("many.yaml:6:14: 'balance' must be one of"),
          HasSubstr("many.yaml:7:5: duplicate key 'balance' in service 'api'"),
          HasSubstr("many.yaml:8:20: there is no service 'apy', the services are api, did you mean 'api'?"),
          HasSubstr("many.yaml:9:1: unknown key 'zebra' in the file")));
}

TEST(Load, AnAnchorThatIsUsedTwiceIsComplainedAboutOnce) {
  const Loaded loaded = load_text(
      "listeners: [{name: web, bind: \"h:1\"}]\nservices:\n  a: {pools: {p: {backends: []}}, limits: &l "
      "{queue: x}}\n"
      "  b: {pools: {p: {backends: []}}, limits: *l}\n",
      "f");
  EXPECT_THAT(loaded.complaints, SizeIs(1)) << testing::PrintToString(texts(loaded.complaints));
}

TEST(Load, ControlCharactersAndLongTextsDoNotReachTheTerminal) {
  const Loaded loaded = load_text(top_3_1("\"a\\e[31m" + std::string(900, 'x') + "\": 1"), "f");
  ASSERT_THAT(loaded.complaints, SizeIs(1));
  EXPECT_THAT(loaded.complaints[0].what, HasSubstr("'a?[31mxxx"));
  EXPECT_LT(loaded.complaints[0].what.size(), 400u);
}

TEST(Load, AFileThatCannotBeRead) {
  EXPECT_THAT(
      texts(load_file("/no/such/sluice.yaml").complaints),
      ElementsAre("/no/such/sluice.yaml:1:1: the configuration cannot be read (No such file or directory)"));
  EXPECT_THAT(texts(load_file("/tmp").complaints),
              ElementsAre("/tmp:1:1: the configuration cannot be read (Is a directory)"));
  EXPECT_THAT(texts(load_file("/dev/zero").complaints),
              ElementsAre("/dev/zero:1:1: the configuration cannot be read (File too large)"));
}

TEST(Load, AFileIsReadWhole) {
  char path[] = "/tmp/sluice_load_test_XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  const std::string text = "# " + std::string(200'000, 'x') + "\n" + service_7_5("balance: hash");
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(fd);
  const Loaded loaded = load_file(path);
  ::unlink(path);
  ASSERT_TRUE(loaded.spec) << testing::PrintToString(texts(loaded.complaints));
  EXPECT_EQ(loaded.spec->file, path);
  EXPECT_EQ(loaded.spec->services[0].balance, Balance::hash);
}

TEST(Load, NestingAndCirclesEnd) {
  EXPECT_FALSE(load_text(std::string(100'000, '['), "f").spec);
  EXPECT_FALSE(load_text("a: " + std::string(100'000, '{'), "f").spec);
  EXPECT_FALSE(load_text("services: &a {api: *a}\n", "f").spec);
  EXPECT_FALSE(load_text("listeners: &a [*a]\n", "f").spec);
  EXPECT_FALSE(load_text("&a [*a]\n", "f").spec);
}

// Whatever an editor's slip or a torn copy makes of a configuration: a Spec or complaints with a place,
// nothing else.
TEST(Load, MutatedConfigurationsNeverCrash) {
  constexpr unsigned kSeed = 7;  // fixed: the same mutations each time
  constexpr int kMutations = 300;
  const std::string good = content_of(SLUICE_SOURCE_DIR "/conf/reference.yaml");
  const std::string bytes = "{}[]:,-\"'#&*!|>%@`\t\n ?~0a\x80\xff\\";
  std::mt19937 random(kSeed);
  ASSERT_GT(good.size(), 1000u);
  for (int i = 0; i < kMutations; ++i) {
    std::string text = good;
    for (unsigned edits = 1 + random() % 4; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.insert(at, 1, bytes[random() % bytes.size()]);
          break;
        case 2:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.resize(at + 1);
          break;
      }
    }
    const Loaded loaded = load_text(text, "mutated.yaml");
    ASSERT_NE(loaded.spec.has_value(), !loaded.complaints.empty()) << "mutation " << i;
    for (const auto& complaint : loaded.complaints) {
      ASSERT_GE(complaint.line, 1) << complaint.text();
      ASSERT_GE(complaint.column, 1) << complaint.text();
      ASSERT_FALSE(complaint.what.empty());
    }
  }
}

}  // namespace
}  // namespace sluice::config
