// What verbs say of themselves (protocol/words.hpp), as pages.
#include "control/cli/help.hpp"

#include <string_view>
#include <type_traits>

#include "control/cli/verbs.hpp"

namespace sluice::cli {

namespace {

constexpr std::size_t kFlagWidth = 23;  // of a flag; what it does stands behind

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.append(text.size() < width ? width - text.size() : 3, ' ');
  return out;
}

// The flags of one page.
class FlagLines {
 public:
  void word(std::string_view, const auto&, const protocol::Completion&) {}
  void maybe(std::string_view, const auto&, const protocol::Completion&) {}
  void words(std::string_view, const auto&, const protocol::Completion&) {}
  // Without `does` a line of text() tells of it.
  void flag(std::string_view spelled, const auto&, std::string_view does) {
    if (!does.empty()) line(spelled, does);
  }
  void text(std::string_view lines) { out_ += lines; }
  // What follows is of a verb behind the verb: its name stands before its first flag.
  void section(std::string_view name) {
    section_ = name;
    in_section_ = !name.empty();
  }
  void excludes(std::string_view, std::string_view) {}
  void needs(std::string_view, std::string_view) {}
  void dry_run() { dry_run_ = true; }
  void force() { force_ = true; }
  void force(std::string_view does) { line("--force", does); }

  std::string rendered() {
    section("");
    if (dry_run_) line("--dry-run", kDryRunDoes);
    if (force_) line("--force", kForceDoes);
    return out_;
  }

 private:
  void line(std::string_view spelled, std::string_view does) {
    const std::string begin = in_section_ ? "  " + padded(section_, 8) : "  ";
    section_ = {};
    out_ += begin + padded(spelled, kFlagWidth);
    for (const char c : does) {
      out_ += c;
      if (c == '\n') out_.append(begin.size() + kFlagWidth, ' ');
    }
    out_ += "\n";
  }

  std::string out_;
  std::string_view section_;
  bool in_section_ = false, dry_run_ = false, force_ = false;
};

template <class Verb>
std::string page() {
  Verb verb{};
  FlagLines flags;
  Verb::words(verb, flags);
  const auto& page = Verb::kPage;
  return std::string(page.does) + "\n\nUsage: sluicectl " + std::string(page.usage) + "\n" +
         flags.rendered() + "\n" + std::string(page.examples) + "\nFlags of every verb: sluicectl --help\n";
}

template <class Group>
std::string group(std::string_view title) {
  std::string out = padded(title, 12);
  Group::each([&out]<class Verb>(std::type_identity<Verb>) {
    const auto& page = Verb::kPage;
    if (!out.ends_with(' ')) out += "  ";
    out += page.overview.empty() ? page.name() : page.overview;
  });
  return out + "\n";
}

constexpr std::string_view kBegin =
    R"(sluicectl shifts traffic between pools of backends.

  sluicectl status                          what is going where
  sluicectl split api blue=95% green=5%     set the shares
  sluicectl cutover api=green               100% at once
  sluicectl rollback api                    back, at once

)";

}  // namespace

std::string help(const std::string& verb) {
  std::string text;
  Verbs::each([&]<class Verb>(std::type_identity<Verb>) {
    if (Verb::kPage.name() == verb) text = page<Verb>();
  });
  if (!text.empty()) return text;
  return std::string(kBegin) + group<Reading>("Looking:") + group<Shifting>("Shifting:") +
         group<Rollouts>("Rollouts:") + group<Traffic>("Traffic:") + group<Backends>("Backends:") +
         group<Operations>("Operations:") + "\nFlags of every verb, before or after it:\n" +
         std::string(kGlobalFlags) + "\nExit: " + std::string(kExitCodes);
}

}  // namespace sluice::cli
