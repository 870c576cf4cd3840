// What a rollout's judge compares, counted in the workers while the rollout is active and gone with it: the
// answers of two cohorts of users, whole and in cells. A cell holds the users of a 64th of all places
// (route/trial.hpp), so that what differs between cells tells how much of what is seen are a few users
// (control/rollout/clusters.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "proxy/observe/histogram.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/per_worker.hpp"

namespace sluice::observe {

// Times of answers, coarser than a Histogram: four buckets an octave, from 128 us to 8 s.
struct CellTimes {
  static constexpr std::size_t kBuckets = 64;
  static constexpr unsigned kSubBits = 2, kLeastBits = 7;

  static constexpr std::size_t index(std::uint64_t micros) {
    if (micros < (1u << kLeastBits)) return 0;
    const unsigned exponent = 63u - static_cast<unsigned>(std::countl_zero(micros));
    const std::uint64_t sub = (micros >> (exponent - kSubBits)) & ((1u << kSubBits) - 1);
    return std::min<std::size_t>(kBuckets - 1, ((exponent - kLeastBits) << kSubBits) + sub);
  }
};

struct CellLayout {
  static constexpr std::uint32_t kCells = 64;
  static constexpr std::size_t kAttempts = 0, kErrors = 1, kTimes = 2;
  static constexpr std::size_t kEach = kTimes + CellTimes::kBuckets;  // numbers of one cell
  static constexpr std::size_t kNumbers = kCells * kEach;
  static constexpr std::uint32_t cell_of(std::uint32_t place) { return place % kCells; }
};

struct alignas(64) CohortCounters {  // one writer: the worker
  Counter attempts, errors;          // first attempts with a known outcome, as PoolCounters
  Histogram duration;
  std::array<std::atomic<std::uint32_t>, CellLayout::kNumbers> cells{};

  void attempt(std::uint32_t cell, bool failed) {
    if (failed) {  // before the attempt, so that a reader never sees more errors than attempts
      errors.add();
      bump(cell, CellLayout::kErrors);
    }
    attempts.add();
    bump(cell, CellLayout::kAttempts);
  }
  void answered(std::uint32_t cell, std::uint64_t micros) {
    duration.record(micros);
    bump(cell, CellLayout::kTimes + CellTimes::index(micros));
  }

 private:
  void bump(std::uint32_t cell, std::size_t number) {
    auto& counter = cells[cell * CellLayout::kEach + number];
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

struct TrialCounters {
  explicit TrialCounters(std::size_t workers) : canary(workers), control(workers) {}
  PerWorker<CohortCounters> canary, control;
  std::atomic<std::uint64_t> seen{
      0};  // all workers: cells of whom a request came, in a cohort or not; a bit each

  void see(std::uint32_t cell) {
    const std::uint64_t bit = std::uint64_t{1} << cell;
    if (!(seen.load(std::memory_order_relaxed) & bit)) seen.fetch_or(bit, std::memory_order_relaxed);
  }
  int cells_seen() const { return std::popcount(seen.load(std::memory_order_relaxed)); }
};

}  // namespace sluice::observe
