#include "proxy/observe/rate_table.hpp"

#include <algorithm>

namespace sluice::observe {
namespace {

// A slot: 20 bits of the key's hash, then 44 bits of microseconds, which wrap after half a year.
constexpr int kTimeBits = 44;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr std::uint64_t kLongest = std::uint64_t{1} << 42;  // nobody waits for longer: fifty days

// How far the moment in `slot` lies ahead; 0 when it has passed.
std::uint64_t ahead(std::uint64_t slot, std::uint64_t now) {
  const std::uint64_t difference = (slot - now) & kTimeMask;
  return difference > kLongest ? 0 : difference;
}

}  // namespace

// The key's slot, or the one that it may take.
RateTable::Slot& RateTable::slot_of(Bucket& bucket, std::uint64_t tag, std::uint64_t now) const {
  Slot* emptiest = nullptr;
  std::uint64_t least = 0;
  for (Slot& slot : bucket.slots) {
    const std::uint64_t value = slot.load(std::memory_order_relaxed);
    if (value >> kTimeBits == tag && value != 0) return slot;
    const std::uint64_t left = ahead(value, now);
    if (emptiest && (least == 0 || left >= least)) continue;
    emptiest = &slot;
    least = left;
  }
  return *emptiest;
}

std::uint64_t RateTable::take(std::uint64_t key, std::uint64_t now, std::uint64_t period,
                              std::uint32_t burst) {
  const std::uint64_t tag = key >> kTimeBits;
  const std::uint64_t room = std::min(kLongest / 2, period * (burst - 1));
  Bucket& bucket = buckets_[key % kBuckets];
  for (;;) {
    Slot& slot = slot_of(bucket, tag, now);
    std::uint64_t value = slot.load(std::memory_order_relaxed);
    const bool known = value != 0 && value >> kTimeBits == tag;
    const std::uint64_t used = known ? ahead(value, now) : 0;
    if (used > room) return used - room;
    const std::uint64_t next = tag << kTimeBits | ((now + used + period) & kTimeMask);
    if (slot.compare_exchange_weak(value, next, std::memory_order_relaxed)) return 0;
  }
}

}  // namespace sluice::observe
