#include "proxy/route/shares.hpp"

#include <cassert>

#include "proxy/route/mix.hpp"

namespace sluice::route {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio, SplitMix64's increment
constexpr std::uint32_t kOffsets = config::kWhole / kBlock;

// A value below `n` out of `x`, different for every round key. It feeds a permutation, not a secret: speed
// counts.
constexpr std::uint32_t round_value(std::uint64_t key, std::uint32_t x, std::uint32_t n) {
  std::uint64_t h = (key + x) * kGolden;
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
  return static_cast<std::uint32_t>(((h >> 32) * n) >> 32);
}

// A permutation of [0, A * B) chosen by `key`: a Feistel network over two digits that are added modulo their
// own base, so that it needs no power of two and no cycle walking. Six rounds; the tests measure how even it
// is.
template <std::uint32_t A, std::uint32_t B>
constexpr std::uint32_t permute(std::uint64_t key, std::uint32_t x) {
  std::uint32_t a = x / B, b = x % B;
  for (int round = 0; round < 3; ++round) {
    a += round_value(key, b, A);
    if (a >= A) a -= A;
    key += kGolden;
    b += round_value(key, a, B);
    if (b >= B) b -= B;
    key += kGolden;
  }
  return a * B + b;
}

constexpr std::uint64_t kPlaceTag = 0x706c616365;     // "place": the two permutations are keyed apart
constexpr std::uint64_t kOffsetTag = 0x6f6666736574;  // "offset"

// What all points of a block have in common.
struct Block {
  std::uint64_t seed, number;
  std::uint64_t place_key;
  std::uint32_t offset;
};

constexpr std::uint64_t kNone = UINT64_MAX;  // no block has that number

Block make_block(std::uint64_t seed, std::uint64_t number) {
  const std::uint64_t offset_key = mix(mix(seed ^ kOffsetTag) + number / kOffsets * kGolden);
  return {seed, number, mix(mix(seed ^ kPlaceTag) + number * kGolden),
          permute<10, 10>(offset_key, static_cast<std::uint32_t>(number % kOffsets))};
}

// The blocks that the thread's services are in, by their seeds: half of the work is done once a block.
const Block& block_of(std::uint64_t seed, std::uint64_t number) {
  constexpr Block kEmpty{0, kNone, 0, 0};
  constinit thread_local Block blocks[] = {kEmpty, kEmpty, kEmpty, kEmpty, kEmpty, kEmpty, kEmpty, kEmpty};
  Block& block = blocks[(seed * kGolden) >> 61];
  if (block.seed != seed || block.number != number) block = make_block(seed, number);
  return block;
}

}  // namespace

std::uint32_t split_point(std::uint64_t seed, std::uint64_t n) {
  const Block& block = block_of(seed, n / kBlock);
  return permute<25, 40>(block.place_key, static_cast<std::uint32_t>(n % kBlock)) * kOffsets + block.offset;
}

SplitTable::SplitTable(std::span<const config::Share> shares) {
  std::uint32_t bound = 0;
  bounds_.reserve(shares.size());
  for (const auto share : shares) bounds_.push_back(bound += share);
  assert(bound == config::kWhole);
}

}  // namespace sluice::route
