#include "proxy/route/trial.hpp"

#include <memory>
#include <numeric>
#include <utility>

namespace sluice::route {

Places::Places(std::vector<Interval> intervals) : intervals_(std::move(intervals)) {
  std::ranges::sort(intervals_, {}, &Interval::first);
}

std::uint32_t Places::size() const {
  return std::accumulate(intervals_.begin(), intervals_.end(), 0u,
                         [](std::uint32_t n, const Interval& one) { return n + one.end - one.first; });
}

Places lowest(const SlotTable& table, PoolIndex pool, config::Share share) {
  std::vector<Places::Interval> taken;
  for (const auto& run : table.stacks()[pool]) {
    const std::uint32_t n = std::min(share, run.size());
    if (n == 0) break;
    const bool up = run.bottom <= run.top;
    taken.push_back(up ? Places::Interval{run.bottom, run.bottom + n}
                       : Places::Interval{run.bottom - (n - 1), run.bottom + 1});
    share -= n;
  }
  return Places(std::move(taken));
}

Places given_away(const SlotTable& table, PoolIndex pool, std::span<const config::Share> shares) {
  SlotTable then = table;
  then.apply(shares);
  const auto before = std::make_unique<SlotOwners>(table.owners());
  const auto after = std::make_unique<SlotOwners>(then.owners());
  std::vector<Places::Interval> given;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    if ((*before)[slot] != pool || (*after)[slot] == pool) continue;
    if (!given.empty() && given.back().end == slot)
      ++given.back().end;
    else
      given.push_back({slot, slot + 1});
  }
  return Places(std::move(given));
}

Places first_points(std::uint32_t begin, std::uint32_t width, config::Share share) {
  return Places({{begin, begin + std::min(width, share)}});
}

Places last_points(std::uint32_t begin, std::uint32_t width, config::Share share) {
  return Places({{begin + width - std::min(width, share), begin + width}});
}

}  // namespace sluice::route
