// S4, S5: who owns each of the 100,000 slots of sticky keys, and how ownership moves when shares change. Pure.
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

// The flat table that workers read: one owner per slot.
using SlotOwners = std::array<PoolIndex, kSlots>;

// The table with its memory of who gave what, so that a step back returns exactly the users gained last (S5).
//
// Each pool holds a stack of runs of slots; a run remembers its former owners, latest first. A shrinking pool gives from the
// top of its stack. A slot goes back to its former owner when that pool grows, else to a growing pool in pool order. So the
// moves are the fewest possible (half the sum of the changes), and going A -> B -> A restores every user's pool.
class SlotTable {
 public:
  // All slots belong to `first`, the lowest-numbered on top: with two pools this equals `slot < share`.
  SlotTable(std::size_t pools, PoolIndex first);

  // Moves the fewest slots so that pool i owns shares[i]. Returns how many moved. Requires: one share per pool, sum kSlots.
  std::uint32_t apply(std::span<const config::Share> shares);

  SlotOwners owners() const;
  std::size_t pools() const { return stacks_.size(); }
  std::vector<config::Share> shares() const;

  // The pools of the service changed: old pool i is now new_index[i], or gone (-1). Requires: a pool that is gone owns nothing.
  void remap(std::span<const int> new_index, std::size_t new_pools);

  struct Run {
    std::uint32_t bottom = 0, top = 0;    // slots from bottom to top of the stack; runs may go up or down
    std::vector<PoolIndex> former;        // former owners, the latest last; at most kRemembered
    std::uint32_t size() const { return (bottom < top ? top - bottom : bottom - top) + 1; }
    bool operator==(const Run&) const = default;
  };
  static constexpr std::size_t kRemembered = 32;  // former owners of a run
  static constexpr std::size_t kMaxRuns = 4096;   // beyond, the table forgets its memory and keeps only the owners

  const std::vector<std::vector<Run>>& stacks() const { return stacks_; }           // for the journal
  // A table from journaled stacks; nothing unless every slot has exactly one owner.
  static bool from_stacks(std::vector<std::vector<Run>> stacks, SlotTable& out);
  bool operator==(const SlotTable&) const = default;

 private:
  std::vector<std::vector<Run>> stacks_;  // by pool; back() is the top
};

}  // namespace sluice::route
