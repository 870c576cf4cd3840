// docs/configuration.md is made of the specs and the reference: every key has its words, and the words are
// those beside it.
#include "proxy/config/reference_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace sluice::config {
namespace {

using testing::HasSubstr;

std::string reference() {
  std::ifstream file(SLUICE_SOURCE_DIR "/conf/reference.yaml");
  return {std::istreambuf_iterator<char>(file), {}};
}

const KeyEntry& entry(const std::vector<KeyEntry>& keys, std::string_view path) {
  const auto found = std::ranges::find(keys, path, &KeyEntry::path);
  EXPECT_NE(found, keys.end()) << path;
  return *found;
}

std::string text_of(std::string_view yaml, std::string_view path) {
  std::string all;
  for (const auto& [at, text] : key_texts(yaml, all_keys()))
    if (at == path) add_words(all, text);
  return all;
}

TEST(ReferencePage, KeysHaveTheirDefaultsAndWhatTheyHold) {
  const auto keys = all_keys();
  EXPECT_GT(keys.size(), 130u);
  EXPECT_EQ(entry(keys, "lame_duck").unwritten, "0s");
  EXPECT_EQ(entry(keys, "listeners[].max_header_bytes").unwritten, "32KiB");
  EXPECT_EQ(entry(keys, "listeners[].max_header_bytes").holds, "a size, 1KiB to 32KiB");
  EXPECT_TRUE(entry(keys, "listeners[].bind").required);
  EXPECT_EQ(entry(keys, "services.NAME.retries.on").unwritten, "[connect, reset, 502, 503, 504]");
  EXPECT_EQ(entry(keys, "services.NAME.pools.NAME.backends[].weight").holds, "0 to 1000");
  EXPECT_EQ(entry(keys, "plans.NAME.gates[].min_age").unwritten, "5s");  // of a kind that is not the first
  EXPECT_EQ(entry(keys, "plans.NAME.verify[].timeout").unwritten, "1m");
  EXPECT_EQ(entry(keys, "services.NAME.balance").holds, "`round_robin`, `least_requests`, `hash`");
  EXPECT_TRUE(entry(keys, "services.NAME.sticky").has_keys());
}

TEST(ReferencePage, TheReferenceSaysSomethingOfEveryKey) {
  const auto keys = all_keys();
  const auto texts = key_texts(reference(), keys);
  for (const auto& key : keys) {
    const bool told = std::ranges::any_of(
        texts, [&](const auto& one) { return one.path == key.path && !one.text.empty(); });
    EXPECT_TRUE(told || key.has_keys())
        << key.path << ": conf/reference.yaml says nothing of it on its line or above";
  }
}

TEST(ReferencePage, ACommentBelongsToTheKeyOnItsLineOrToTheNext) {
  const std::string_view yaml =
      "# ---- Where: required ----\n"
      "listeners:\n"
      "  - name: web          # what it is called\n"
      "    # Where it\n"
      "    # listens.\n"
      "    bind: \"0.0.0.0:80\"\n"
      "    max_target: 8KiB   # of a target;\n"
      "                       # more is 414\n"
      "\n"
      "    # Nobody's, because a line is empty.\n"
      "\n"
      "    max_body: 0\n"
      "    # tls:\n"
      "    #   # Whom.\n"
      "    #   client_ca: ca.pem  # verified by\n";
  EXPECT_EQ(text_of(yaml, "listeners[].name"), "what it is called");
  EXPECT_EQ(text_of(yaml, "listeners[].bind"), "Where it listens.");
  EXPECT_EQ(text_of(yaml, "listeners[].max_target"), "of a target; more is 414");
  EXPECT_EQ(text_of(yaml, "listeners[].max_body"), "");
  EXPECT_EQ(text_of(yaml, "listeners[].tls.client_ca"), "Whom. verified by");
}

TEST(ReferencePage, NamesOfTheOperatorAreNoKeys) {
  const std::string_view yaml =
      "services:\n"
      "  retries:           # a service of that name\n"
      "    pools:\n"
      "      balance:       # a pool\n"
      "        protocol: h1 # what it speaks\n"
      "    balance: hash    # within the pool\n";
  EXPECT_EQ(text_of(yaml, "services.NAME.retries"), "");
  EXPECT_EQ(text_of(yaml, "services.NAME.balance"), "within the pool");
  EXPECT_EQ(text_of(yaml, "services.NAME.pools.NAME.protocol"), "what it speaks");
}

TEST(ReferencePage, AKeyIsARow) {
  const std::string page = reference_page("# For files alone. Durations: 1s.\n\nlame_duck: 0s   # a | b\n");
  EXPECT_THAT(page, HasSubstr("\n| `lame_duck` | a duration | `0s` | a \\| b |\n"));
  EXPECT_THAT(page, HasSubstr("\n\nDurations: 1s.\n\n## The top\n\n"));
  EXPECT_THAT(page, HasSubstr("| `bind` | an address, `HOST:PORT` | **required** |"));
  EXPECT_THAT(page, HasSubstr("| `tls` | [a map](#listenerstls) | - |"));
  EXPECT_THAT(page, HasSubstr("\n## listeners[].tls\n"));
}

}  // namespace
}  // namespace sluice::config
