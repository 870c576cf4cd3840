// Random share tables for property tests. The caller owns the generator and prints its seed.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "proxy/config/spec.hpp"

namespace sluice::testing {

// `pools` shares that add up to the whole; one in four of them is 0.
inline std::vector<config::Share> random_shares(std::mt19937_64& random, std::size_t pools) {
  std::vector<config::Share> cuts = {0, config::kWhole};
  for (std::size_t i = 1; i < pools; ++i)
    cuts.push_back(random() % 4 == 0 ? cuts.front()
                                     : static_cast<config::Share>(random() % (config::kWhole + 1)));
  std::ranges::sort(cuts);
  std::vector<config::Share> shares;
  for (std::size_t i = 1; i < cuts.size(); ++i) shares.push_back(cuts[i] - cuts[i - 1]);
  std::ranges::shuffle(shares, random);
  return shares;
}

}  // namespace sluice::testing
