#include "proxy/route/slots.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace sluice::route {
namespace {

using Run = SlotTable::Run;
using Stacks = SlotTable::Stacks;
using config::Share;

// Slots on their way: they leave `from`, the run's bottom first.
struct Piece {
  Run run;
  PoolIndex from;
  int to = -1;
};

std::vector<Share> shares_of(const Stacks& stacks) {
  std::vector<Share> shares;
  for (const auto& stack : stacks)
    shares.push_back(
        std::accumulate(stack.begin(), stack.end(), 0u, [](Share n, const Run& r) { return n + r.size(); }));
  return shares;
}

std::size_t runs_in(const Stacks& stacks) {
  std::size_t runs = 0;
  for (const auto& stack : stacks) runs += stack.size();
  return runs;
}

SlotOwners owners_of(const Stacks& stacks) {
  SlotOwners owners{};
  for (std::size_t pool = 0; pool < stacks.size(); ++pool)
    for (const auto& run : stacks[pool])
      std::fill_n(owners.begin() + std::min(run.bottom, run.top), run.size(), static_cast<PoolIndex>(pool));
  return owners;
}

// Half the sum of the absolute changes.
std::uint32_t fewest_moves(std::span<const Share> from, std::span<const Share> to) {
  std::uint32_t moves = 0;
  for (std::size_t i = 0; i < from.size(); ++i) moves += from[i] > to[i] ? from[i] - to[i] : 0;
  return moves;
}

// Both cut `n` slots off a run and leave the rest in it: the top ones as they leave a stack (the old top is
// the new bottom), or the bottom ones in their order.
Run take_top(Run& run, std::uint32_t n) {
  Run taken{run.top, run.bottom, run.former};
  if (n < run.size()) {
    const bool up = run.bottom < run.top;
    taken.top = up ? run.top - (n - 1) : run.top + (n - 1);
    run.top = up ? run.top - n : run.top + n;
  }
  return taken;
}
Run take_bottom(Run& run, std::uint32_t n) {
  Run taken = run;
  const bool up = run.bottom < run.top;
  taken.top = up ? run.bottom + (n - 1) : run.bottom - (n - 1);
  run.bottom = up ? run.bottom + n : run.bottom - n;
  return taken;
}

void push(std::vector<Run>& stack, Run run) {
  if (!stack.empty() && stack.back().former == run.former) {
    Run& top = stack.back();
    const bool up = run.bottom == top.top + 1 && top.bottom <= top.top && run.bottom <= run.top;
    const bool down = run.bottom + 1 == top.top && top.bottom >= top.top && run.bottom >= run.top;
    if (up || down) {
      top.top = run.top;
      return;
    }
  }
  stack.push_back(std::move(run));
}

// Takes what the shrinking pools have to give off their stacks, in the order of `pools`.
std::vector<Piece> detach(Stacks& stacks, std::span<const Share> from, std::span<const Share> to,
                          std::span<const PoolIndex> pools) {
  std::vector<Piece> pieces;
  for (const PoolIndex pool : pools) {
    for (Share left = from[pool] > to[pool] ? from[pool] - to[pool] : 0; left > 0;) {
      Run& top = stacks[pool].back();
      const Share n = std::min(left, top.size());
      const bool whole = n == top.size();  // take_top leaves a whole run as it is
      pieces.push_back({take_top(top, n), pool});
      if (whole) stacks[pool].pop_back();
      left -= n;
    }
  }
  return pieces;
}

// Gives every piece without a goal one that `choose` names (-1: none) as far as that pool has need; cuts
// pieces where it ends.
template <typename Choose>
std::vector<Piece> aim(std::vector<Piece> pieces, std::vector<Share>& need, Choose choose) {
  std::vector<Piece> aimed;
  for (auto& piece : pieces) {
    for (;;) {
      const int goal = piece.to >= 0 ? -1 : choose(piece);
      if (goal < 0) break;
      const Share n = std::min(need[goal], piece.run.size());
      need[goal] -= n;
      if (n == piece.run.size()) {
        piece.to = goal;
        break;
      }
      aimed.push_back({take_bottom(piece.run, n), piece.from, goal});
    }
    aimed.push_back(std::move(piece));
  }
  return aimed;
}

// The owners a run remembers once it moves: a step back takes the last one off, any other step adds the pool
// it leaves.
void note_move(std::vector<PoolIndex>& former, PoolIndex from, PoolIndex to) {
  if (!former.empty() && former.back() == to) {
    former.pop_back();
    return;
  }
  if (former.size() == SlotTable::kRemembered) former.erase(former.begin());
  former.push_back(from);
}

// Without the pools that are gone, and without the steps that would then lead from a pool to itself.
std::vector<PoolIndex> remap_former(const std::vector<PoolIndex>& old, std::span<const int> new_index,
                                    PoolIndex owner) {
  std::vector<PoolIndex> former;
  for (const auto pool : old)
    if (new_index[pool] >= 0 && (former.empty() || former.back() != new_index[pool]))
      former.push_back(static_cast<PoolIndex>(new_index[pool]));
  if (!former.empty() && former.back() == owner) former.pop_back();
  return former;
}

// False, and nothing done, when a pool that owns slots is gone.
bool remap_stacks(Stacks& stacks, std::span<const int> new_index, std::size_t new_pools) {
  for (std::size_t pool = 0; pool < stacks.size(); ++pool)
    if (new_index[pool] < 0 && !stacks[pool].empty()) return false;
  Stacks mapped(new_pools);
  for (std::size_t pool = 0; pool < stacks.size(); ++pool) {
    if (new_index[pool] < 0) continue;
    const auto owner = static_cast<PoolIndex>(new_index[pool]);
    for (auto& run : stacks[pool]) run.former = remap_former(run.former, new_index, owner);
    mapped[owner] = std::move(stacks[pool]);
  }
  stacks = std::move(mapped);
  return true;
}

bool valid(const Run& run, std::size_t pools) {
  return run.bottom < kSlots && run.top < kSlots && run.former.size() <= SlotTable::kRemembered &&
         std::ranges::all_of(run.former, [pools](PoolIndex pool) { return pool < pools; });
}

// The runs have each slot once. A restart asks it of every service: by runs, which are few, not by slots.
bool valid(const Stacks& stacks) {
  if (stacks.empty() || stacks.size() > 250) return false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> owned;  // first and last
  for (const auto& stack : stacks)
    for (const auto& run : stack) {
      if (!valid(run, stacks.size())) return false;
      owned.emplace_back(std::min(run.bottom, run.top), std::max(run.bottom, run.top));
    }
  std::ranges::sort(owned);
  std::uint32_t next = 0;
  for (const auto& [first, last] : owned) {
    if (first != next) return false;
    next = last + 1;
  }
  return next == kSlots;
}

}  // namespace

SlotTable::SlotTable(std::size_t pools, PoolIndex first) : stacks_(pools) {
  assert(first < pools && pools <= 250);
  stacks_[first].push_back({kSlots - 1, 0, {}});
}

SlotOwners SlotTable::owners() const { return owners_of(stacks_); }
std::vector<Share> SlotTable::shares() const { return shares_of(stacks_); }

std::uint32_t SlotTable::apply(std::span<const Share> wanted) {
  assert(wanted.size() == pools() && std::accumulate(wanted.begin(), wanted.end(), Share{0}) == kSlots);
  const auto now = shares();
  const auto moves = fewest_moves(now, wanted);
  if (moves == 0) return 0;
  Stacks before = stacks_;
  if (!restore_past(wanted, moves)) move(now, wanted);
  remember(std::move(before));
  forget_if_large();
  return moves;
}

bool SlotTable::restore_past(std::span<const Share> wanted, std::uint32_t moves) {
  const SlotOwners now = owners();
  for (auto past = past_.rbegin(); past != past_.rend(); ++past) {
    if (!std::ranges::equal(shares_of(*past), wanted)) continue;
    const SlotOwners then = owners_of(*past);
    const auto same =
        std::inner_product(now.begin(), now.end(), then.begin(), 0u, std::plus<>(), std::equal_to<>());
    if (kSlots - same != moves) continue;
    stacks_ = std::move(*past);
    past_.erase(std::next(past).base());
    return true;
  }
  return false;
}

// One direction of a change takes the pools from the first to the last, the other from the last to the first,
// so that going back meets the slots in the opposite order.
void SlotTable::move(std::span<const Share> from, std::span<const Share> to) {
  std::vector<PoolIndex> order(pools());
  std::iota(order.begin(), order.end(), PoolIndex{0});
  if (std::ranges::lexicographical_compare(to, from)) std::ranges::reverse(order);

  std::vector<Share> need(pools());
  for (std::size_t i = 0; i < need.size(); ++i) need[i] = to[i] > from[i] ? to[i] - from[i] : 0;
  const auto back = [&](const Piece& piece) {
    return !piece.run.former.empty() && need[piece.run.former.back()] > 0 ? piece.run.former.back() : -1;
  };
  const auto next = [&](const Piece&) {
    return *std::ranges::find_if(order, [&](auto pool) { return need[pool] > 0; });
  };

  auto pieces = detach(stacks_, from, to, order);
  pieces = aim(aim(std::move(pieces), need, back), need, next);
  for (auto& piece : pieces) {
    note_move(piece.run.former, piece.from, static_cast<PoolIndex>(piece.to));
    push(stacks_[piece.to], std::move(piece.run));
  }
}

void SlotTable::remember(Stacks before) {
  past_.push_back(std::move(before));
  std::size_t tables = 0, runs = 0;
  while (tables < past_.size() && tables < kMaxPast) {
    runs += runs_in(past_[past_.size() - 1 - tables]);
    if (runs > kMaxRuns && tables > 0) break;  // the latest one is always kept
    ++tables;
  }
  past_.erase(past_.begin(), past_.end() - static_cast<std::ptrdiff_t>(tables));
}

// Runs that differ only in what they remember become one, the lowest slots on top. Where ownership itself is
// that scattered nothing would be gained, and the memory stays.
void SlotTable::forget_if_large() {
  const auto runs = runs_in(stacks_);
  if (runs <= kMaxRuns) return;
  Stacks plain(pools());
  const SlotOwners owner = owners();
  for (std::uint32_t slot = kSlots; slot-- > 0;) push(plain[owner[slot]], {slot, slot, {}});
  if (runs_in(plain) <= runs / 2) stacks_ = std::move(plain);
}

void SlotTable::remap(std::span<const int> new_index, std::size_t new_pools) {
  assert(new_index.size() == pools());
  [[maybe_unused]] const bool kept = remap_stacks(stacks_, new_index, new_pools);
  assert(kept);
  std::erase_if(past_, [&](Stacks& past) { return !remap_stacks(past, new_index, new_pools); });
}

bool SlotTable::from_stacks(Stacks stacks, SlotTable& out, std::vector<Stacks> past) {
  if (!valid(stacks)) return false;
  out.stacks_ = std::move(stacks);
  out.past_ = std::move(past);
  std::erase_if(out.past_, [&](const Stacks& p) { return p.size() != out.pools() || !valid(p); });
  if (out.past_.size() > kMaxPast)
    out.past_.erase(out.past_.begin(), out.past_.end() - static_cast<std::ptrdiff_t>(kMaxPast));
  return true;
}

}  // namespace sluice::route
