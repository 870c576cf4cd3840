#include "control/screen/sections.hpp"

#include <algorithm>

#include "control/screen/figures.hpp"
#include "control/screen/marks.hpp"
#include "control/screen/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::BackendStatus;
using protocol::GateStatus;
using protocol::PoolStatus;
using protocol::RolloutStatus;
using protocol::ServiceStatus;

namespace {

constexpr std::size_t kIndent = 2;

bool is_narrow(const Paper& paper) { return paper.columns < 60; }

void append(Lines& lines, Lines more) {
  lines.insert(lines.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// `cells` of several rows, each column as wide as its widest cell; empty ones stay.
void align(std::vector<Lines>& rows) {
  for (std::size_t column = 0; !rows.empty() && column < rows.front().size(); ++column) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, row[column].width());
    for (auto& row : rows) row[column].pad_to(widest);
  }
}

// The title in front of a section, and then its cells.
Line titled(std::string_view title) { return Line(title, Ink::faint); }

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

Line step_cell(const RolloutStatus& rollout, std::size_t index) {
  const auto& step = rollout.plan_steps[index];
  const std::size_t now = rollout.step.value_or(rollout.state == "done" ? rollout.steps + 1 : 0);
  std::string text = format_share(step.share);
  if (step.mirror) text += " + copies " + format_share(*step.mirror);
  if (index + 1 < now) return Line(text + " done", Ink::good);
  if (index + 1 > now) {
    if (step.hold.count() > 0) text += " for " + duration_text(step.hold);
    return Line(text + (step.approve ? ", promote" : ""), Ink::faint);
  }
  const auto left = hold_left(rollout);
  const bool held = left && left->count() > 0;
  return Line("[" + text + " now" + (held ? ", " + countdown_text(*left) + " left" : "") + "]", Ink::strong);
}

Line verdict_cell(const GateStatus& gate) {
  if (gate.verdict == "fail") return Line("FAIL", Ink::bad);
  if (gate.verdict != "pass") return Line("undecided", Ink::busy);
  return gate.warn ? Line("pass, warns", Ink::busy) : Line("pass", Ink::good);
}

Lines cells_of(const GateStatus& gate, const Paper& paper) {
  const std::size_t columns =
      is_narrow(paper) ? 0 : std::clamp<std::size_t>(paper.columns / (paper.columns < 100 ? 10 : 6), 8, 40);
  const Ink ink = gate.verdict == "fail" ? Ink::bad : Ink::plain;
  Line value(gate_figure(gate, gate.value), Ink::strong);
  if (const auto bounds = gate_range(gate); !bounds.empty()) value.add(" (" + bounds + ")");
  return {std::move(value),
          Line(evidence_bar({gate.value, gate.lower, gate.upper, gate.limit}, columns, paper.utf8), ink),
          Line("max " + gate_figure(gate, gate.limit)), verdict_cell(gate)};
}

void add_gates(std::vector<std::string>& names, std::vector<Lines>& rows, const RolloutStatus& rollout,
               const std::string& of, const Paper& paper) {
  for (const auto& gate : rollout.gates) {
    names.push_back((of.empty() ? "" : of + ": ") + gate_name(gate, rollout));
    rows.push_back(cells_of(gate, paper));
  }
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
  auto lines = wrapped(headline.what, Ink::strong, paper.columns, headline.word.size() + kIndent, kMost);
  Line first(headline.word, headline.ink);
  first.pad_to(headline.word.size() + kIndent);
  first.add(
      lines.front().text().substr(std::min(lines.front().text().size(), headline.word.size() + kIndent)),
      Ink::strong);
  lines.front() = first;
  const auto more = [&](const char* title, const std::string& text, Ink ink) {
    if (text.empty()) return;
    auto body = wrapped(text, ink, paper.columns, std::string_view(title).size(), kMost);
    Line head(title, Ink::faint);
    head.add(body.front().text().substr(std::string_view(title).size()), ink);
    body.front() = head;
    append(lines, std::move(body));
  };
  more("  now    ", headline.now, Ink::plain);
  more("  time   ", headline.left, Ink::plain);
  more("  gates  ", headline.gates, headline.ink == Ink::bad ? Ink::bad : Ink::plain);
  more("  waits  ", call(headline.waits), Ink::plain);
  more("  back   ", call(headline.back), Ink::strong);
  for (const auto& alarm : alarms_of(service)) more("  ALARM  ", alarm, Ink::bad);
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
  const std::size_t indent = is_narrow(paper) ? kIndent : widest + kIndent;
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

Lines steps_section(const RolloutStatus& rollout, const Paper& paper) {
  const std::string between = std::string(" ") + signs(paper.utf8).step + " ";
  Lines lines{titled("steps")};
  lines.back().add("  ");
  for (std::size_t i = 0; i < rollout.plan_steps.size(); ++i) {
    const auto cell = step_cell(rollout, i);
    if (i > 0 && lines.back().width() + between.size() + cell.width() > paper.columns) {
      lines.emplace_back();
      lines.back().pad_to(7);
    } else if (i > 0) {
      lines.back().add(between, Ink::faint);
    }
    lines.back().add(cell);
  }
  return lines;
}

Lines gates_section(const RolloutStatus& rollout, const Paper& paper) {
  std::vector<std::string> names;
  std::vector<Lines> rows;
  add_gates(names, rows, rollout, "", paper);
  for (const auto& other : rollout.others) add_gates(names, rows, other, other.name, paper);
  align(rows);
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, width_of(name));
  Lines lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Line head(names[i]);
    if (!is_narrow(paper)) head.pad_to(std::min(widest, paper.columns / 2));
    append(lines, flowed(head, rows[i], paper.columns, kIndent));
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
    append(lines, wrapped("kept as the way back: " + names + ", for another " +
                              countdown_text(service.retained->left),
                          Ink::plain, paper.columns, 0, 2));
  }
  if (service.mirror)
    append(lines, wrapped("mirror: copies of " + format_share(service.mirror->share) + " to " +
                              service.mirror->pool + ", " + std::to_string(service.mirror->counts.answered) +
                              " answered, " + std::to_string(service.mirror->counts.failed) + " failed",
                          Ink::plain, paper.columns, 0, 2));
  std::string flags;
  for (const auto& [name, share] : service.flags)
    flags += (flags.empty() ? "flags: " : ", ") + name + " " + format_share(share);
  if (!flags.empty()) append(lines, wrapped(flags, Ink::plain, paper.columns, 0, 2));
  return lines;
}

}  // namespace sluice::screen
