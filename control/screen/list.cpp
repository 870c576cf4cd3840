#include "control/screen/list.hpp"

#include <algorithm>
#include <utility>

#include "control/screen/figures.hpp"
#include "control/screen/headline.hpp"
#include "control/screen/marks.hpp"
#include "control/screen/text.hpp"

namespace sluice::screen {

using protocol::ServiceStatus;

namespace {

Lines list_cells(const Trends& trends, const ServiceStatus& service, const Paper& paper) {
  double rate = 0, errors = 0;
  std::optional<double> p95;
  for (const auto& pool : service.pools) {
    rate += pool.requests_per_second;
    errors += pool.requests_per_second * pool.error_rate.value_or(0);
    if (pool.p95_ms) p95 = std::max(p95.value_or(0), *pool.p95_ms);
  }
  Lines cells{Line(rate_text(rate)),
              Line("err " + percent_text(rate > 0 ? std::optional(errors / rate) : std::nullopt)),
              Line("p95 " + milliseconds_text(p95))};
  constexpr std::size_t kSpark = 20;
  if (paper.columns >= 120 && !service.pools.empty())
    cells.emplace_back(sparkline(trends.of(service.name, service.stable, &Sample::rate), kSpark, paper.utf8),
                       Ink::stable);
  return cells;
}

Line state_cell(const ServiceStatus& service) {
  const auto headline = headline_of(service);
  return Line(headline.word, headline.ink).add(" " + headline.what);
}

}  // namespace

std::vector<const ServiceStatus*> listed(const protocol::Status& status, bool by_attention) {
  std::vector<std::pair<unsigned, const ServiceStatus*>> ranked;
  for (const auto& service : status.services)
    ranked.emplace_back(by_attention ? headline_of(service).rank : 0, &service);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const ServiceStatus*> out;
  for (const auto& [rank, service] : ranked) out.push_back(service);
  return out;
}

Lines list_section(const Trends& trends, const std::vector<const ServiceStatus*>& services,
                   std::size_t chosen, std::size_t rows, const Paper& paper) {
  const std::size_t begin =
      std::min(chosen > rows / 2 ? chosen - rows / 2 : 0, services.size() - std::min(services.size(), rows));
  const std::size_t end = std::min(begin + rows, services.size());
  std::size_t widest = 0;
  std::vector<Lines> cells;
  for (std::size_t i = begin; i < end; ++i) {
    widest = std::max(widest, width_of(services[i]->name));
    cells.push_back(list_cells(trends, *services[i], paper));
  }
  align(cells);
  Lines lines;
  for (std::size_t i = begin; i < end; ++i) {
    const bool here = i == chosen;
    Line line(here ? signs(paper.utf8).chosen : " ");
    line.add(" ").add(services[i]->name, here ? Ink::chosen : Ink::strong);
    line.pad_to(widest + 2);
    auto& row = cells[i - begin];
    row.insert(paper.narrow() ? row.begin() : row.end(),
               state_cell(*services[i]));  // the last one may be cut
    for (const auto& cell : row) line.add("  ").add(cell);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace sluice::screen
