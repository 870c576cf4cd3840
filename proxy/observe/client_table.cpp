#include "proxy/observe/client_table.hpp"

namespace sluice::observe {
namespace {

// A slot: 40 bits of the client's hash, then 24 bits of its count. With a count of 0 it is free.
constexpr int kCountBits = 24;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;

}  // namespace

ClientTable::Entry ClientTable::enter(std::uint64_t client, std::uint32_t limit) {
  const std::uint64_t tag = client & ~kCountMask;
  Bucket& bucket = buckets_[client % kBuckets];
  for (;;) {
    Slot* found = nullptr;
    std::uint64_t value = 0;
    for (Slot& slot : bucket.slots) {
      const std::uint64_t held = slot.load(std::memory_order_relaxed);
      const bool own = (held & kCountMask) > 0 && (held & ~kCountMask) == tag;
      if (!own && (found || (held & kCountMask) > 0)) continue;
      found = &slot;
      value = held;
      if (own) break;
    }
    if (!found) return {};
    const std::uint64_t count = value & kCountMask;
    if (count >= limit) return {true, nullptr};
    if (found->compare_exchange_weak(value, tag | (count + 1), std::memory_order_relaxed))
      return {false, found};
  }
}

}  // namespace sluice::observe
