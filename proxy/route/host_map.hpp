// Numbers by the name of a host, without case. Names are hashed from their last character to their first, so
// that one pass over a request's host gives the hash of each domain above it as well. Immutable once filled;
// pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/text.hpp"

namespace sluice::route {

// The names are the operator's own, so who sends requests cannot make them collide.
class HostHash {
 public:
  HostHash() = default;
  explicit HostHash(std::string_view host) {
    for (std::size_t i = host.size(); i-- > 0;) prepend(host[i]);
  }
  void prepend(char c) {
    constexpr std::uint64_t kPrime = 0x100000001b3;  // of FNV-1a
    state_ = (state_ ^ static_cast<unsigned char>(http::to_lower(c))) * kPrime;
  }
  std::uint32_t value() const { return static_cast<std::uint32_t>(state_ ^ (state_ >> 32)); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

class HostMap {
 public:
  // Requires: a name that is not there yet, whatever its case; a number that is not 0.
  void add(std::string_view host, std::uint32_t number);

  // 0 when it is not there. Requires: `hash` is that of `host`. No allocation.
  std::uint32_t find(HostHash hash, std::string_view host) const {
    if (slots_.empty()) return 0;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash.value() & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.number == 0) return 0;
      if (slot.hash == hash.value() && http::iequals(host, name_of(slot))) return slot.number;
    }
  }
  bool empty() const { return count_ == 0; }

 private:
  struct Slot {
    std::uint32_t number = 0;  // 0: free
    std::uint32_t hash = 0;
    std::uint32_t name = 0;  // begins there in `names_`
    std::uint32_t size = 0;
  };
  std::string_view name_of(const Slot& slot) const {
    return std::string_view(names_).substr(slot.name, slot.size);
  }
  void put(Slot slot);
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  std::string names_;        // one behind the other
  std::size_t count_ = 0;
};

}  // namespace sluice::route
