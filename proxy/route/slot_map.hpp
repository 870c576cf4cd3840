// S4: who owns a slot, for workers: runs of slots with one owner, and an index into them. A table with one
// split takes under a kilobyte where one byte a slot takes 100,000. Immutable; pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/route/slots.hpp"

namespace sluice::route {

class SlotMap {
 public:
  explicit SlotMap(const SlotOwners& owners);

  // Requires: slot < kSlots.
  PoolIndex operator[](std::uint32_t slot) const {
    std::size_t run = first_[slot / kGroup];
    while (ends_[run] <= slot) ++run;
    return owners_[run];
  }

 private:
  static constexpr std::uint32_t kGroup = 512;  // slots
  static constexpr std::size_t kGroups = (kSlots + kGroup - 1) / kGroup;

  std::array<std::uint32_t, kGroups> first_;  // the run in which each group begins
  std::vector<std::uint32_t> ends_;           // of the runs, in order: the slot behind each
  std::vector<PoolIndex> owners_;             // beside them
};

}  // namespace sluice::route
