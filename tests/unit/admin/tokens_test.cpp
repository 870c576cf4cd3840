// Token files: what they may hold, and that they are read again.
#include "control/admin/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace sluice::admin {
namespace {

using config::Role;
using ::testing::HasSubstr;
using ::testing::Not;

std::string line(const std::string& name, const std::string& role, const std::string& token) {
  return name + " " + role + " sha256:" + protocol::hex_of(protocol::digest_of(token)) + "\n";
}

TEST(Tokens, TheFirstLineMayBeATokenAsItIs) {
  std::string why;
  const auto tokens = tokens_from("secret \r\nwhatever stands here\n", "admin.token", why);
  ASSERT_TRUE(tokens) << why;
  ASSERT_EQ(tokens->size(), 1u);
  EXPECT_EQ(tokens->front().name, "admin.token");
  EXPECT_EQ(tokens->front().role, Role::admin);
  EXPECT_EQ(tokens->front().digest, protocol::digest_of("secret"));
}

TEST(Tokens, NamesRolesAndHashes) {
  EXPECT_EQ(protocol::hex_of(protocol::digest_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      << "FIPS 180-4, appendix B.1";
  std::string why;
  const auto tokens = tokens_from(
      "# who may\n\n" + line("ci", "operator", "a") + "  " + line("grafana", "viewer", "b"), "f", why);
  ASSERT_TRUE(tokens) << why;
  ASSERT_EQ(tokens->size(), 2u);
  EXPECT_EQ(tokens->at(0).name, "ci");
  EXPECT_EQ(tokens->at(0).role, Role::operate);
  EXPECT_EQ(tokens->at(1).role, Role::viewer);
}

TEST(Tokens, MistakesAreNamedByLineAndTellNoSecret) {
  const std::string good = line("a", "viewer", "a");
  for (const std::string& bad : {std::string("ci operator s3cret"), std::string("ci s3cret sha256:00"),
                                 std::string("ci admin sha256:s3cret"), std::string("s3cret x"),
                                 line("a", "viewer", "a").substr(0, 60) + "s3cret", "a viewer " + good}) {
    std::string why;
    EXPECT_FALSE(tokens_from(good + bad + "\n", "f", why)) << bad;
    EXPECT_THAT(why, HasSubstr("line 2")) << bad;
    EXPECT_THAT(why, Not(HasSubstr("s3cret"))) << bad;
  }
  std::string why;
  EXPECT_FALSE(tokens_from("\n# nothing\n", "f", why));
  EXPECT_FALSE(tokens_from("", "f", why));
}

TEST(Tokens, AFileThatChangesIsReadAgainAndABadOneChangesNothing) {
  char name[] = "/tmp/sluice-tokens-XXXXXX";
  ASSERT_TRUE(::mkdtemp(name));
  const std::filesystem::path folder = name;
  const auto path = (folder / "tokens").string();
  const auto put = [&](const std::string& text) {  // as editors do: another inode, so that no clock matters
    std::ofstream(folder / "new") << text;
    std::filesystem::rename(folder / "new", path);
  };
  put(line("one", "admin", "1"));
  TokenFile file;
  EXPECT_TRUE(file.none());
  EXPECT_FALSE(file.find("")) << "without a file nobody is let in";
  ASSERT_EQ(file.open(path), "");
  ASSERT_TRUE(file.find("1"));
  EXPECT_FALSE(file.find("2"));
  EXPECT_FALSE(file.find(""));
  put(line("two", "viewer", "2"));
  EXPECT_FALSE(file.find("1")) << "taken back";
  ASSERT_TRUE(file.find("2"));
  put("no token file\n");
  EXPECT_TRUE(file.find("2"));
  std::filesystem::remove(path);
  EXPECT_TRUE(file.find("2"));
  EXPECT_THAT(TokenFile().open(path), HasSubstr("cannot read " + path));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::admin
