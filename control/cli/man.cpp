#include "control/cli/man.hpp"

#include <string>
#include <string_view>
#include <type_traits>

#include "control/cli/help.hpp"
#include "control/cli/verbs.hpp"
#include "control/protocol/version.hpp"

namespace sluice::cli {

namespace {

// The flags of one verb, as entries of its page.
class FlagEntries {
 public:
  explicit FlagEntries(ManPage& page) : page_(page) {}

  void word(std::string_view, const auto&, const protocol::Completion&) {}
  void maybe(std::string_view, const auto&, const protocol::Completion&) {}
  void words(std::string_view, const auto&, const protocol::Completion&) {}
  // Without `does` a line of text() tells of it.
  void flag(std::string_view spelled, const auto&, std::string_view does) {
    if (!does.empty()) entry(spelled, does);
  }
  void text(std::string_view lines) {
    begin();
    page_.lines(lines);
  }
  void section(std::string_view name) {
    if (name.empty()) return;
    begin();
    page_.subsection(name);
  }
  void excludes(std::string_view, std::string_view) {}
  void needs(std::string_view, std::string_view) {}
  // Those of several sections (rollout) stand in each.
  void dry_run() { entry("--dry-run", kDryRunDoes); }
  void force(std::string_view does = kForceDoes) { entry("--force", does); }

 private:
  void entry(std::string_view spelled, std::string_view does) {
    begin();
    page_.entry(spelled, does);
  }
  void begin() {
    if (!begun_) page_.section("OPTIONS");
    begun_ = true;
  }

  ManPage& page_;
  bool begun_ = false;
};

// "sluicectl-split"
std::string name_of_page(const protocol::Page& described) {
  return std::string("sluicectl-").append(described.name());
}

ManPage page_of(std::string_view name, std::string_view does) {
  return ManPage(name, 1, first_sentence(does), protocol::kVersion, protocol::kVersionDate);
}

// What follows the name in the page's usage may be several lines.
std::string synopsis_of(std::string_view usage) {
  std::string out = std::string("sluicectl ").append(usage) + "\n";
  for (auto at = out.find("\n "); at != std::string::npos; at = out.find("\n ", at + 1))
    out.erase(at + 1, out.find_first_not_of(' ', at + 1) - at - 1);
  return out;
}

template <class Verb>
ManPage page_of_verb() {
  const auto& described = Verb::kPage;
  auto page = page_of(name_of_page(described), described.does);
  page.section("SYNOPSIS");
  page.lines(synopsis_of(described.usage));
  page.section("DESCRIPTION");
  page.paragraph(described.does);
  Verb verb{};
  FlagEntries flags(page);
  Verb::words(verb, flags);
  page.section("EXAMPLES");
  page.lines(described.examples);
  page.section("SEE ALSO");
  page.paragraph("sluicectl(1), which has the flags of every verb and the exit codes, sluiced(8)");
  return page;
}

template <class Group>
void list_verbs(ManPage& page, std::string_view title) {
  page.subsection(title);
  Group::each([&page]<class Verb>(std::type_identity<Verb>) {
    page.entry(name_of_page(Verb::kPage) + "(1)", first_sentence(Verb::kPage.does));
  });
}

ManPage page_of_program() {
  auto page = page_of("sluicectl", "shifts traffic between pools of backends");
  page.section("SYNOPSIS");
  page.lines("sluicectl VERB [WORD]... [FLAG]...\nsluicectl VERB --help");
  page.section("DESCRIPTION");
  page.paragraph(
      "Asks the running sluiced for one thing, by its admin socket. A change returns when every worker "
      "routes "
      "by the new state; it prints what changed and the command that undoes it.");
  page.section("VERBS");
  list_verbs<Reading>(page, "Looking");
  list_verbs<Shifting>(page, "Shifting");
  list_verbs<Rollouts>(page, "Rollouts");
  list_verbs<Traffic>(page, "Traffic");
  list_verbs<Backends>(page, "Backends");
  list_verbs<Operations>(page, "Operations");
  page.section("OPTIONS");
  page.paragraph("Of every verb, before or after it:");
  page.lines(kGlobalFlags);
  page.section("EXIT STATUS");
  page.paragraph(kExitCodes);
  page.section("SEE ALSO");
  page.paragraph("sluiced(8), sluice.yaml(5)");
  return page;
}

}  // namespace

std::vector<ManPage> man_pages() {
  std::vector<ManPage> pages{page_of_program()};
  Verbs::each([&pages]<class Verb>(std::type_identity<Verb>) { pages.push_back(page_of_verb<Verb>()); });
  return pages;
}

}  // namespace sluice::cli
