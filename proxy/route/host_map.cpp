#include "proxy/route/host_map.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::route {

void HostMap::add(std::string_view host, std::uint32_t number) {
  assert(number != 0 && find(host) == 0);
  if (2 * ++count_ > slots_.size()) grow();
  put({number, hash_of(host), static_cast<std::uint32_t>(names_.size()),
       static_cast<std::uint32_t>(host.size())});
  names_ += host;
  sizes_ |= bit_of(host.size());
}

void HostMap::put(Slot slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = slot.hash & mask;
  while (slots_[at].number != 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

void HostMap::grow() {
  constexpr std::size_t kFewest = 8;
  const auto before = std::exchange(slots_, std::vector<Slot>(std::max(kFewest, 2 * slots_.size())));
  for (const Slot& slot : before)
    if (slot.number != 0) put(slot);
}

}  // namespace sluice::route
