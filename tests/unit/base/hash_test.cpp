#include "proxy/base/hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint32_t kSlots = 100'000;

// Chi squared of `keys` over `cells`, in standard deviations from its mean: below 5 for any honest hash.
double unevenness(const std::vector<std::uint64_t>& hashes, std::uint32_t cells) {
  std::vector<double> counts(cells);
  for (const auto hash : hashes) ++counts[scale(hash, cells)];
  const double expected = static_cast<double>(hashes.size()) / cells;
  double chi = 0;
  for (const double n : counts) chi += (n - expected) * (n - expected) / expected;
  return (chi - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
}

// S4: these values are part of the product. A change here moves users to other pools on upgrade: it is never
// the right repair. Checked once against the xxHash library over bytes laid out by another program.
TEST(HashS4, FrozenVectors) {
  struct Vector {
    std::string tag, salt, key;
    std::uint64_t hash;
    std::uint32_t slot;
  };
  const std::array<Vector, 20> vectors = {{
      {"pool", "", "", 0xf45e01d86bbd536b, 95455},
      {"pool", "api", "", 0xc8cbaa223cf62969, 78435},
      {"pool", "", "api", 0x676a50797711c349, 40396},
      {"pool", "api", "user-1", 0x94b95ce29cc42599, 58095},
      {"pool", "api", "user-2", 0xb494e912c7b5cc3d, 70539},
      {"pool", "api", "1", 0x28badc67505eb601, 15910},
      {"pool", "api", "2", 0x6d7450cc059833ac, 42755},
      {"pool", "api", "100000", 0x46ad5cd415284f66, 27608},
      {"pool", "web", "user-1", 0x2906157aa2052846, 16024},
      {"pool", "ap", "iuser-1", 0x065d6ebf633ab968, 2486},
      {"backend", "api", "user-1", 0x0d55a223f10cb856, 5208},
      {"mirror", "api", "user-1", 0x77c246de9ff9bc1c, 46780},
      {"flag", "api", "user-1", 0x7983065c287a06c9, 47465},
      {"flag", "new-checkout", "user-1", 0x08881136227af417, 3332},
      {"pool", "api", "192.0.2.7", 0xdb77a11b6b6170ec, 85729},
      {"pool", "api", "2001:db8::7", 0x66dae205c819385b, 40177},
      {"pool", "api", "0123456789abcdef0123456789abcdef", 0xe4c84073dd757069, 89368},
      {"pool", "api", "J\xc3\xbcrgen", 0x66e924a47ffee597, 40199},
      {"pool", "api", std::string("a\0b", 3), 0x3a924c1c16239380, 22879},
      {"pool", "api", std::string(600, 'k'), 0xfd7cb270d3a8ea69, 99018},
  }};
  for (const auto& v : vectors) {
    EXPECT_EQ(hash64(v.tag, v.salt, v.key), v.hash) << v.tag << ' ' << v.salt << ' ' << v.key;
    EXPECT_EQ(scale(v.hash, kSlots), v.slot);
  }
}

TEST(Hash, ScaleKeepsItsRange) {
  EXPECT_EQ(scale(0, kSlots), 0u);
  EXPECT_EQ(scale(~0ull, kSlots), kSlots - 1);
  EXPECT_EQ(scale(1ull << 63, kSlots), kSlots / 2);
  EXPECT_EQ(scale(~0ull, 1), 0u);
}

TEST(Hash, DifferentTriplesAreDifferentBytes) {
  std::set<std::uint64_t> hashes;
  const std::vector<std::string> words = {
      "", "a", "b", "ab", "ba", "aab", std::string(1, '\0'), std::string(4, '\0'), std::string(1000, 'x')};
  for (const auto* tag : {"pool", "backend", "flag"})
    for (const auto& salt : words)
      for (const auto& key : words) hashes.insert(hash64(tag, salt, key));
  EXPECT_EQ(hashes.size(), 3 * words.size() * words.size());
}

// The bytes around the size up to which no memory is taken.
TEST(Hash, LongKeysCountToTheirLastByte) {
  for (std::size_t size = 480; size < 540; ++size) {
    const std::string key(size, 'k');
    auto other = key;
    other.back() = 'j';
    EXPECT_NE(hash64("pool", "api", key), hash64("pool", "api", other)) << size;
  }
}

// FNV-1a, common elsewhere, picks 31 of user-1..100 at 5 %, and ids of one decade together.
TEST(HashS4, SequentialIdsAreEven) {
  for (const auto* prefix : {"", "user-", "000000"}) {
    for (const auto& salt : {"", "api", "web"}) {
      std::vector<std::uint64_t> hashes;
      for (int i = 0; i < 100'000; ++i) hashes.push_back(hash64("pool", salt, prefix + std::to_string(i)));
      EXPECT_LT(std::abs(unevenness(hashes, 100)), 5) << prefix << ' ' << salt;
      EXPECT_LT(std::abs(unevenness(hashes, 10'000)), 5) << prefix << ' ' << salt;
    }
  }
}

TEST(HashS4, FewSequentialIdsAreEvenToo) {
  for (const auto* prefix : {"", "user-"}) {
    for (const auto& [users, share] : {std::pair{1000, 0.05}, {1000, 0.25}, {10'000, 0.01}, {10'000, 0.05}}) {
      int in = 0;
      for (int i = 1; i <= users; ++i)
        in += scale(hash64("pool", "api", prefix + std::to_string(i)), kSlots) < share * kSlots;
      EXPECT_NEAR(in, users * share, 4 * std::sqrt(users * share * (1 - share)))
          << prefix << users << ' ' << share;
    }
  }
}

TEST(HashS4, DecadesOfIdsDoNotMoveTogether) {
  int decades = 0;
  for (int decade = 0; decade < 10'000; ++decade) {
    bool hit = false;
    for (int i = 0; i < 10; ++i)
      hit |= scale(hash64("pool", "api", std::to_string(decade * 10 + i)), kSlots) < 5'000;
    decades += hit;
  }
  EXPECT_NEAR(decades, 10'000 * (1 - std::pow(0.95, 10)), 200);  // 4013 by chance
}

// S7: of the users a decision chose, another one chooses as many as of all.
TEST(HashS7, TagsDecideIndependently) {
  const std::vector<std::string> tags = {"pool", "backend", "mirror", "flag"};
  constexpr int kUsers = 50'000;
  for (const auto& a : tags) {
    for (const auto& b : tags) {
      if (a == b) continue;
      int both = 0;
      for (int i = 0; i < kUsers; ++i) {
        const auto key = "user-" + std::to_string(i);
        both += scale(hash64(a, "api", key), 10) == 0 && scale(hash64(b, "api", key), 10) == 0;
      }
      EXPECT_NEAR(both, kUsers / 100, 120) << a << ' ' << b;  // 500, five deviations
    }
  }
}

// Two rollouts with salts of their own do not have the same first users.
TEST(HashS7, SaltsDecideIndependently) {
  int both = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto key = "user-" + std::to_string(i);
    both += scale(hash64("pool", "api/1", key), 10) == 0 && scale(hash64("pool", "api/2", key), 10) == 0;
  }
  EXPECT_NEAR(both, 500, 120);
}

}  // namespace
}  // namespace sluice
