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

}  // namespace

std::uint32_t split_point(std::uint64_t seed, std::uint64_t n) {
  const std::uint64_t block = n / kBlock;
  const std::uint64_t place_key = mix(mix(seed ^ kPlaceTag) + block * kGolden);
  const std::uint64_t offset_key = mix(mix(seed ^ kOffsetTag) + block / kOffsets * kGolden);
  const auto place = permute<25, 40>(place_key, static_cast<std::uint32_t>(n % kBlock));
  const auto offset = permute<10, 10>(offset_key, static_cast<std::uint32_t>(block % kOffsets));
  return place * kOffsets + offset;
}

SplitTable::SplitTable(std::span<const config::Share> shares) {
  std::uint32_t bound = 0;
  bounds_.reserve(shares.size());
  for (const auto share : shares) bounds_.push_back(bound += share);
  assert(bound == config::kWhole);
}

}  // namespace sluice::route
