// S4, S5: who owns each of the 100,000 slots of sticky keys, and how ownership moves when shares change.
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/base/hash.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::route {

inline constexpr std::uint32_t kSlots = config::kWhole;
using PoolIndex = std::uint8_t;  // at most 250 pools in a service

// The slot of a key.
inline std::uint32_t slot_of(std::string_view salt, std::string_view key) {
  return scale(hash64("pool", salt, key), kSlots);
}

// One owner per slot; what workers read is made of it (slot_map.hpp).
using SlotOwners = std::array<PoolIndex, kSlots>;

// The table with its memory of who gave what, so that a step back returns exactly the users gained last (S5).
//
// Each pool holds a stack of runs of slots; a run remembers its former owners, latest last. A shrinking pool
// gives from the top of its stack. A slot goes back to its former owner when that pool grows, else to a
// growing pool in pool order. So the moves are the fewest possible (half the sum of the changes), and a pool
// that grows loses nobody.
//
// With three pools and more that alone would not make A -> B -> A exact: a slot on its way back may have two
// former owners that both grow. So the table also remembers the tables it was. When the shares of one of them
// come again, and going back to it costs no more than the fewest moves, it is restored as it was. The table
// one step ago always is such a one.
class SlotTable {
 public:
  struct Run {
    std::uint32_t bottom = 0, top = 0;  // slots from bottom to top of the stack; runs may go up or down
    std::vector<PoolIndex> former;      // former owners, the latest last; at most kRemembered
    std::uint32_t size() const { return (bottom < top ? top - bottom : bottom - top) + 1; }
    bool operator==(const Run&) const = default;
  };
  using Stacks = std::vector<std::vector<Run>>;  // by pool; back() is the top

  static constexpr std::size_t kRemembered = 32;  // former owners of a run
  static constexpr std::size_t kMaxRuns = 4096;   // beyond, runs forget their past and keep only the owners
  static constexpr std::size_t kMaxPast = 16;     // tables remembered; of kMaxRuns runs in all

  // All slots belong to `first`, the lowest-numbered on top: with two pools this equals `slot < share`.
  SlotTable(std::size_t pools, PoolIndex first);

  // Moves the fewest slots so that pool i owns shares[i]. Returns how many moved. Requires: one share per
  // pool, sum kSlots.
  std::uint32_t apply(std::span<const config::Share> shares);

  SlotOwners owners() const;
  std::size_t pools() const { return stacks_.size(); }
  std::vector<config::Share> shares() const;

  // The pools of the service changed: old pool i is now new_index[i], or gone (-1). Requires: a pool that is
  // gone owns nothing.
  void remap(std::span<const int> new_index, std::size_t new_pools);

  // For the journal. Without its past a restored table still routes every user alike; only a later step back
  // may, with three pools and more, return some users to another pool than they came from.
  const Stacks& stacks() const { return stacks_; }
  const std::vector<Stacks>& past() const { return past_; }  // the latest last
  // A table from journaled stacks; false (and `out` untouched) unless every slot has exactly one owner. A
  // past that does not hold is left out: it is memory, not routing.
  static bool from_stacks(Stacks stacks, SlotTable& out, std::vector<Stacks> past = {});
  bool operator==(const SlotTable&) const = default;

 private:
  bool restore_past(std::span<const config::Share> shares, std::uint32_t moves);
  void move(std::span<const config::Share> from, std::span<const config::Share> to);
  void remember(Stacks before);
  void forget_if_large();

  Stacks stacks_;
  std::vector<Stacks> past_;
};

}  // namespace sluice::route
