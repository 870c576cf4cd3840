#include "control/screen/sections.hpp"

#include <algorithm>

#include "control/screen/figures.hpp"
#include "control/screen/marks.hpp"
#include "control/screen/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::BackendStatus;
using protocol::PoolStatus;
using protocol::ServiceStatus;

namespace {

constexpr std::size_t kIndent = 2;

std::string name_of(const ServiceStatus& service, const PoolStatus& pool) {
  return pool.name + (pool.name == service.stable ? " (stable)" : "");
}

Ink ink_of(const ServiceStatus& service, const PoolStatus& pool) {
  return pool.name == service.stable ? Ink::stable : Ink::canary;
}

Line health_cell(const PoolStatus& pool) {
  const auto out = std::count_if(pool.backends.begin(), pool.backends.end(),
                                 [](const auto& one) { return !one.eligible; });
  const auto all = static_cast<std::ptrdiff_t>(pool.backends.size());
  return Line(health_counts(pool), all > 0 && out == 0 ? Ink::good : out < all ? Ink::busy : Ink::bad);
}

Lines cells_of(const ServiceStatus& service, const PoolStatus& pool, const Paper& paper) {
  const double share = static_cast<double>(pool.share) / kWhole;
  const auto fill = pool.name == service.stable ? Fill::solid : Fill::hatched;
  const std::size_t columns = std::clamp<std::size_t>(paper.columns / 6, 10, 60);
  const auto measured = pool.share_measured ? std::optional(*pool.share_measured * 100) : std::nullopt;
  return {Line(bar(share, columns, fill, paper.utf8), ink_of(service, pool)),
          Line("set ").add(format_share(pool.share), Ink::strong),
          Line("measured " + formatted(measured, "%.1f%%")), health_cell(pool),
          Line(std::to_string(pool.in_flight) + " in flight")};
}

// A figure of each pool, and what it was before.
struct Figure {
  std::optional<double> Sample::*of;
  std::optional<double> least_top;  // of the sparkline's scale
  Line (*text)(const PoolStatus&);
};
// The errors' scale begins at 5 %, so that a single one is no mountain.
const Figure kFigures[] = {
    {&Sample::rate, std::nullopt,
     [](const PoolStatus& pool) { return Line(rate_text(pool.requests_per_second)); }},
    {&Sample::errors, 0.05,
     [](const PoolStatus& pool) {
       return Line("errors ").add(percent_text(pool.error_rate),
                                  pool.error_rate.value_or(0) > 0 ? Ink::strong : Ink::plain);
     }},
    {&Sample::p95_ms, std::nullopt,
     [](const PoolStatus& pool) { return Line("p95 " + milliseconds_text(pool.p95_ms)); }},
};

std::vector<Lines> figures_of(const ServiceStatus& service) {
  std::vector<Lines> rows;
  for (const auto& pool : service.pools) {
    rows.emplace_back();
    for (const auto& figure : kFigures) rows.back().push_back(figure.text(pool));
  }
  align(rows);
  return rows;
}

// "412/s ▂▃▅  errors 0.31% ▁▁▂  p95 182 ms ▄▄▄" in as many columns.
Line with_sparklines(const ServiceStatus& service, const PoolStatus& pool, const Trends& trends,
                     const Lines& figures, std::size_t columns, const Paper& paper) {
  constexpr std::size_t kLeast = 4;
  std::size_t words = 2 * (std::size(kFigures) - 1) + std::size(kFigures);
  for (const auto& figure : figures) words += figure.width();
  const std::size_t each = columns > words ? (columns - words) / std::size(kFigures) : 0;
  Line line;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    line.add(i > 0 ? "  " : "").add(figures[i]);
    if (each < kLeast) continue;
    const auto drawn = sparkline(trends.of(service.name, pool.name, kFigures[i].of), each, paper.utf8,
                                 kFigures[i].least_top);
    line.add(" ").add(drawn, ink_of(service, pool));
  }
  return line;
}

// "blue-2 draining", "green-1 ejected: 5 x 502".
Line backend_cell(const BackendStatus& backend) {
  const bool ordinary = backend.admin == "ready";
  const auto& state = ordinary ? backend.health : backend.admin;
  const Ink ink = backend.eligible ? (state == "up" ? Ink::good : Ink::plain)
                  : ordinary       ? Ink::bad
                                   : Ink::busy;
  Line line(backend.name + " ");
  line.add(state, ink);
  if (backend.removing) line.add(", is removed then");
  if (!ordinary && backend.health == "down") line.add(", down", Ink::bad);
  if (!backend.last_error.empty() && backend.health != "up")
    line.add(": " + clipped(backend.last_error, 60, "..."));
  return line;
}

}  // namespace

Lines headline_section(const ServiceStatus& service, const std::string& ctl, const Paper& paper) {
  constexpr std::size_t kMost = 3;
  const auto call = [&ctl](const std::string& command) {
    constexpr std::string_view kName = "sluicectl";
    return command.starts_with(kName) ? ctl + command.substr(kName.size()) : command;
  };
  const auto headline = headline_of(service);
  Line word(headline.word, headline.ink);
  auto lines = wrapped(word.add("  "), headline.what, Ink::strong, paper.columns, kMost);
  const auto more = [&](const char* title, const std::string& text, Ink ink) {
    if (!text.empty()) append(lines, wrapped(Line(title, Ink::faint), text, ink, paper.columns, kMost));
  };
  more("  how    ", headline.how, headline.ink == Ink::bad ? Ink::bad : Ink::plain);
  more("  waits  ", headline.waits, Ink::plain);
  more("  time   ", headline.left, Ink::plain);
  more("  next   ", call(headline.next), Ink::strong);
  more("  back   ", call(headline.back), Ink::strong);
  return lines;
}

Lines pools_section(const ServiceStatus& service, const Trends* trends, const Paper& paper) {
  std::size_t widest = 0;
  std::vector<Lines> rows;
  for (const auto& pool : service.pools) {
    widest = std::max(widest, width_of(name_of(service, pool)));
    rows.push_back(cells_of(service, pool, paper));
  }
  align(rows);
  auto figures = figures_of(service);
  const std::size_t indent = paper.narrow() ? kIndent : widest + kIndent;
  Lines lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& pool = service.pools[i];
    Line head(name_of(service, pool), ink_of(service, pool));
    if (!trends) rows[i].insert(rows[i].end(), figures[i].begin(), figures[i].end());
    append(lines, flowed(head.pad_to(widest), rows[i], paper.columns, indent));
    if (!trends) continue;
    Line drawn;
    drawn.pad_to(indent);
    drawn.add(with_sparklines(service, pool, *trends, figures[i],
                              paper.columns - std::min(paper.columns, indent), paper));
    lines.push_back(drawn);
  }
  return lines;
}

Lines drains_section(const ServiceStatus& service, const Paper& paper) {
  constexpr std::size_t kBar = 12;
  Lines lines;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      if (!backend.drain || backend.drain->finished) continue;
      Line head("drain ", Ink::busy);
      head.add(pool.name + "/" + backend.name);
      append(lines,
             flowed(head,
                    {Line(bar(progress_of(*backend.drain).part(), kBar, Fill::solid, paper.utf8), Ink::busy),
                     Line(drain_text(*backend.drain))},
                    paper.columns, kIndent));
    }
  return lines;
}

Lines backends_section(const ServiceStatus& service, bool briefly, const Paper& paper) {
  constexpr std::size_t kNamed = 12;
  std::size_t widest = 0;
  for (const auto& pool : service.pools) widest = std::max(widest, width_of(pool.name));
  Lines lines;
  for (const auto& pool : service.pools) {
    Line head(pool.name, Ink::faint);
    head.pad_to(widest);
    Lines cells;
    std::size_t well = 0;
    for (const auto& backend : pool.backends) {
      const bool hidden = backend.eligible && (briefly || pool.backends.size() > kNamed);
      well += hidden;
      if (!hidden) cells.push_back(backend_cell(backend));
    }
    if (well > 0)
      cells.push_back(Line(std::to_string(well) + (cells.empty() ? "" : " more") + " in service", Ink::good));
    if (cells.empty()) cells.push_back(Line("no backends"));
    append(lines, flowed(head, cells, paper.columns, widest + kIndent));
  }
  return lines;
}

Lines extras_section(const ServiceStatus& service, const Paper& paper) {
  Lines lines;
  if (service.retained) {
    std::string names;
    for (const auto& pool : service.retained->pools) names += (names.empty() ? "" : ", ") + pool;
    append(lines, wrapped(Line("kept as the way back: "),
                          names + ", for another " + countdown_text(service.retained->left), Ink::plain,
                          paper.columns, 2));
  }
  if (service.mirror)
    append(lines, wrapped(Line("mirror: "),
                          "copies of " + format_share(service.mirror->share) + " to " + service.mirror->pool +
                              ", " + std::to_string(service.mirror->counts.answered) + " answered, " +
                              std::to_string(service.mirror->counts.failed) + " failed",
                          Ink::plain, paper.columns, 2));
  std::string flags;
  for (const auto& [name, share] : service.flags)
    flags += (flags.empty() ? "" : ", ") + name + " " + format_share(share);
  if (!flags.empty()) append(lines, wrapped(Line("flags: "), flags, Ink::plain, paper.columns, 2));
  return lines;
}

}  // namespace sluice::screen
