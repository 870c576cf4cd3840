// S3: keyless requests are split exactly. Pure.
//
// Request n of a sequence lies in block n / 1000 at place n % 1000. Each block visits the 1,000 places of a
// permutation of its own, and each 100 consecutive blocks the 100 offsets of another, so that
//   point = permuted place * 100 + permuted offset
// takes every value below 100,000 once in 100 blocks, and in every single block lands in a pool's interval of
// width `share` floor(share/100) or ceil(share/100) times: each pool gets its share to within one request,
// without a rhythm.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proxy/config/spec.hpp"

namespace sluice::route {

inline constexpr std::uint32_t kBlock = 1000;

// The point in [0, kWhole) of request `n` of the sequence with `seed`.
std::uint32_t split_point(std::uint64_t seed, std::uint64_t n);

class SplitTable {
 public:
  SplitTable() = default;
  // Requires: the shares add up to kWhole.
  explicit SplitTable(std::span<const config::Share> shares);

  // The pool whose interval holds `point`; strict `<`, so a share of 0 gets nothing (S2).
  std::size_t pool_at(std::uint32_t point) const {
    std::size_t pool = 0;
    while (point >= bounds_[pool]) ++pool;
    return pool;
  }

 private:
  std::vector<std::uint32_t> bounds_;  // cumulative; the last is kWhole
};

}  // namespace sluice::route
