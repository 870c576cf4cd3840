#include "control/rollout/window.hpp"

#include <algorithm>
#include <functional>

namespace sluice::rollout {

using observe::CellLayout;
using observe::CellTimes;

namespace {

// Each of `numbers` and the one of `other` at its place; what is not there is zero.
template <class Operation>
void combine(std::vector<std::uint32_t>& numbers, const std::vector<std::uint32_t>& other, Operation op) {
  if (numbers.size() < other.size()) numbers.resize(other.size());
  for (std::size_t i = 0; i < other.size(); ++i) numbers[i] = op(numbers[i], other[i]);
}

}  // namespace

// A worker counts an error before its class, and the errors are read first: what is read of a worker that is
// busy are not more errors than attempts.
Reading read(const observe::PoolLive& pool) {
  Reading reading;
  for (const auto& worker : pool.per_worker) {
    reading.errors += worker.errors.get();
    for (const auto& count : worker.by_class) reading.attempts += count.get();
    reading.in_flight += worker.in_flight.get();
    worker.duration.add_to(reading.latency);
  }
  return reading;
}

Reading read(const observe::PerWorker<observe::CohortCounters>& cohort) {
  Reading reading;
  for (const auto& worker : cohort) {
    reading.errors += worker.errors.get();
    reading.attempts += worker.attempts.get();
    worker.duration.add_to(reading.latency);
  }
  return reading;
}

std::vector<std::uint32_t> read_cells(const observe::PerWorker<observe::CohortCounters>& cohort) {
  std::vector<std::uint32_t> cells(CellLayout::kNumbers);
  for (const auto& worker : cohort)
    for (std::size_t i = 0; i < cells.size(); ++i)
      cells[i] += worker.cells[i].load(std::memory_order_relaxed);
  return cells;
}

Reading operator-(Reading later, const Reading& earlier) {
  later.attempts -= earlier.attempts;
  later.errors -= earlier.errors;
  later.latency -= earlier.latency;
  combine(later.cells, earlier.cells, std::minus());
  return later;
}

Reading operator+(Reading reading, const Reading& more) {
  reading.attempts += more.attempts;
  reading.errors += more.errors;
  reading.latency += more.latency;
  combine(reading.cells, more.cells, std::plus());
  reading.cells_seen = std::max(reading.cells_seen, more.cells_seen);
  return reading;
}

bool went_back(const Reading& earlier, const Reading& later) {
  return later.attempts < earlier.attempts || later.errors < earlier.errors ||
         later.latency.count < earlier.latency.count;
}

Tally Window::errors() const {
  const std::uint64_t attempts = later_.attempts - earlier_.attempts;
  return {attempts, std::min(attempts, later_.errors - earlier_.errors)};
}

Tally Window::slower(std::uint64_t micros) const {
  const std::uint64_t within = later_.latency.at_most(micros) - earlier_.latency.at_most(micros);
  return {answers(), answers() - std::min(answers(), within)};
}

std::uint32_t Window::in_cell(std::size_t cell, std::size_t number) const {
  const std::size_t i = cell * CellLayout::kEach + number;
  const std::uint32_t before = earlier_.cells.empty() ? 0 : earlier_.cells[i];
  return later_.cells[i] - std::min(later_.cells[i], before);
}

std::vector<Tally> Window::error_cells() const {
  if (later_.cells.empty()) return {};
  std::vector<Tally> cells(CellLayout::kCells);
  for (std::size_t i = 0; i < cells.size(); ++i)
    cells[i] = {in_cell(i, CellLayout::kAttempts), in_cell(i, CellLayout::kErrors)};
  return cells;
}

std::vector<Tally> Window::slower_cells(std::uint64_t micros, Edge edge) const {
  if (later_.cells.empty()) return {};
  const std::size_t slower_from = CellTimes::index(micros) + (edge == Edge::above ? 1 : 0);
  std::vector<Tally> cells(CellLayout::kCells);
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (std::size_t time = 0; time < CellTimes::kBuckets; ++time) {
      const std::uint32_t n = in_cell(i, CellLayout::kTimes + time);
      cells[i].n += n;
      if (time >= slower_from) cells[i].k += n;
    }
  return cells;
}

observe::HistogramCounts Window::latency() const {
  observe::HistogramCounts counts = later_.latency;
  counts -= earlier_.latency;
  return counts;
}

}  // namespace sluice::rollout
