// The manual: a page for each verb, which names all its flags.
#include "control/cli/man.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "control/cli/args.hpp"

namespace sluice::cli {
namespace {

std::map<std::string, std::string> manual() {
  std::map<std::string, std::string> pages;
  for (const auto& page : man_pages()) pages[page.file()] = page.text();
  return pages;
}

std::string in_roff(const std::string& flag) {
  std::string out;
  for (const char c : flag) out += c == '-' ? std::string("\\-") : std::string(1, c);
  return out;
}

TEST(Man, EveryVerbHasAPageThatNamesItsFlags) {
  const auto pages = manual();
  const auto& program = pages.at("sluicectl.1");
  EXPECT_EQ(pages.size(), verbs().size() + 1);
  for (const auto& verb : verbs()) {
    const auto found = pages.find("sluicectl-" + verb + ".1");
    ASSERT_NE(found, pages.end()) << verb;
    EXPECT_NE(program.find("sluicectl\\-" + verb + "(1)"), std::string::npos) << verb;
    for (const auto& flag : flags_of(verb)) {
      const bool told = (found->second + program).find(in_roff(flag)) != std::string::npos;
      EXPECT_TRUE(told) << verb << " " << flag;
    }
  }
}

TEST(Man, TextOfTheProgramIsNoRequestOfThePages) {
  ManPage page("x", 1, "does", "1", "2026-01-01");
  page.section("S");
  page.lines(".TH\n'quoted' a\\b -c\n");
  EXPECT_TRUE(page.text().ends_with(".SH S\n.nf\n\\&.TH\n\\&\\(aqquoted\\(aq a\\eb \\-c\n.fi\n"))
      << page.text();
  EXPECT_EQ(first_sentence("Makes it\nso. Then more."), "Makes it so");
}

}  // namespace
}  // namespace sluice::cli
