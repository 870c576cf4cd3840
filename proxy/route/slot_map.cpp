#include "proxy/route/slot_map.hpp"

namespace sluice::route {

SlotMap::SlotMap(const SlotOwners& owners) {
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    if (slot == 0 || owners[slot] != owners_.back()) {
      owners_.push_back(owners[slot]);
      ends_.push_back(slot);
    }
    if (slot % kGroup == 0) first_[slot / kGroup] = static_cast<std::uint32_t>(owners_.size() - 1);
    ends_.back() = slot + 1;
  }
  ends_.shrink_to_fit();
  owners_.shrink_to_fit();
}

}  // namespace sluice::route
