#include "control/daemon/man.hpp"

#include <sstream>
#include <string>

#include "control/daemon/command_line.hpp"
#include "control/protocol/version.hpp"

namespace sluice::daemon {

namespace {

ManPage page_of(std::string_view name, int section, std::string_view does) {
  return ManPage(name, section, does, protocol::kVersion, protocol::kVersionDate);
}

// usage(): synopses begin with the program's name, flags with a hyphen and stand before two blanks.
ManPage page_of_daemon() {
  auto page = page_of("sluiced", 8, "a traffic-shifting HTTP proxy");
  std::istringstream text{usage()};
  std::string synopsis, signals, line;
  std::vector<std::pair<std::string, std::string>> flags;
  while (std::getline(text, line)) {
    if (line.starts_with("  sluiced")) synopsis += line.substr(2) + "\n";
    if (line.starts_with("Signals: ")) signals = line.substr(line.find(' ') + 1);
    if (!line.starts_with("  --")) continue;
    const auto end = line.find("  ", 2);
    flags.emplace_back(line.substr(2, end - 2), line.substr(end));
  }
  page.section("SYNOPSIS");
  page.lines(synopsis);
  page.section("DESCRIPTION");
  page.paragraph(
      "Proxies HTTP to pools of backends and shifts traffic between them as sluicectl(1) asks. demo and try "
      "run "
      "without a configuration.");
  page.section("OPTIONS");
  for (const auto& [flag, does] : flags) page.entry(flag, does);
  page.section("SIGNALS");
  page.paragraph(signals);
  page.section("FILES");
  page.entry("/etc/sluice/sluice.yaml", "the configuration, sluice.yaml(5)");
  page.entry("/run/sluice/admin.sock", "what sluicectl speaks to");
  page.entry("/var/lib/sluice", "what was changed at run time, and the audit log");
  page.section("SEE ALSO");
  page.paragraph("sluicectl(1), sluice.yaml(5)");
  return page;
}

// The reference's parts begin with lines of `# ---- TITLE ----`.
ManPage page_of_configuration() {
  constexpr std::string_view kMark = "# ---- ";
  auto page = page_of("sluice.yaml", 5, "the configuration of sluiced");
  std::istringstream text{std::string(kReference)};
  std::string part, line;
  page.section("DESCRIPTION");
  const auto flush = [&page, &part] {
    while (part.ends_with("\n\n")) part.pop_back();
    page.lines(part);
    part.clear();
  };
  while (std::getline(text, line)) {
    if (!line.starts_with(kMark)) {
      part += line + "\n";
      continue;
    }
    flush();
    page.section(line.substr(kMark.size(), line.rfind(" ----") - kMark.size()));
  }
  flush();
  page.section("SEE ALSO");
  page.paragraph("sluiced(8), sluicectl-check(1), sluicectl-reload(1)");
  return page;
}

}  // namespace

std::vector<ManPage> man_pages() { return {page_of_daemon(), page_of_configuration()}; }

}  // namespace sluice::daemon
