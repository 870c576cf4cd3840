// Numbers by the name of a host, without case. Immutable once filled; pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/text.hpp"

namespace sluice::route {

class HostMap {
 public:
  // Requires: a name that is not there yet, in lower case; a number that is not 0.
  void add(std::string_view host, std::uint32_t number);

  // 0 when it is not there. No allocation.
  std::uint32_t find(std::string_view host) const {
    if (!(sizes_ & bit_of(host.size()))) return 0;
    const std::uint32_t hash = hash_of(host);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.number == 0) return 0;
      if (slot.hash == hash && is(slot, host)) return slot.number;
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

  static std::uint64_t bit_of(std::size_t size) { return std::uint64_t{1} << (size % 64); }
  // Eight bytes at a time; the last ones may be read twice. The names are the operator's own, so who sends
  // requests cannot make them collide.
  static std::uint32_t hash_of(std::string_view host) {
    std::uint64_t state = host.size(), word = 0;
    const char* byte = host.data();
    const char* const end = byte + host.size();
    for (; end - byte > 8; byte += 8) state = mixed(state, word_at(byte, 8));
    word = host.size() < 8 ? word_at(byte, host.size()) : word_at(end - 8, 8);
    return static_cast<std::uint32_t>(mixed(state, word) >> 32);
  }
  static std::uint64_t word_at(const char* bytes, std::size_t count) {
    constexpr std::uint64_t kCase = 0x2020202020202020;  // letters that differ by it alone are the same
    std::uint64_t word = 0;
    if (count > 0) std::memcpy(&word, bytes, count);  // an empty host may be a null view
    return word | kCase;
  }
  static std::uint64_t mixed(std::uint64_t state, std::uint64_t word) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // of the golden ratio, as in Fibonacci hashing
    return (std::rotl(state, 23) ^ word) * kOdd;
  }
  bool is(const Slot& slot, std::string_view host) const {
    const std::string_view name(names_.data() + slot.name, slot.size);
    return name == host || http::iequals(name, host);
  }
  void put(Slot slot);
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  std::string names_;        // one behind the other
  std::uint64_t sizes_ = 0;  // of the names, a bit each
  std::size_t count_ = 0;
};

}  // namespace sluice::route
