// How many connections each client has: a table of fixed size that all workers share without locks. Any
// thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace sluice::observe {

class ClientTable {
 public:
  static constexpr std::size_t kBuckets = 8192;  // of 64 bytes
  static constexpr std::size_t kWays = 8;

  using Slot = std::atomic<std::uint64_t>;
  struct Entry {
    bool refused = false;
    Slot* slot = nullptr;  // for leave(); null when refused, or when there was no room to count this client
  };

  ClientTable() : buckets_(kBuckets) {}

  // One connection more of `client`, a hash, if it has fewer than `limit`. A client for whom all eight slots
  // of its bucket are taken by others goes uncounted: to be refused for the sake of others is worse.
  Entry enter(std::uint64_t client, std::uint32_t limit);
  static void leave(Slot& slot) { slot.fetch_sub(1, std::memory_order_relaxed); }

 private:
  struct alignas(64) Bucket {
    std::array<Slot, kWays> slots{};
  };
  std::vector<Bucket> buckets_;
};

}  // namespace sluice::observe
