#include "proxy/hpack/huffman.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace sluice::hpack {
namespace {

constexpr int kSigns = 257, kEos = 256, kShortest = 5, kLongest = 30;

// Bits of each sign's code. The code is canonical: shorter ones come first, equal ones in the order of the
// signs, and each is the one before it plus one.
constexpr std::uint8_t kBits[kSigns] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  5,  5,  5,  6,
    6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,  15, 5,  6,  5,  6,  5,  6,  6,
    6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, 20, 22,
    20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23,
    22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22,
    23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22,
    25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30};

struct Code {
  std::array<std::uint32_t, kSigns> of_sign{};  // in the low bits
  std::array<std::uint16_t, kSigns> signs{};    // in the order of their codes
  // Of each length: the first code that is longer, its bits the highest of 32; and how a code leads to its
  // place in `signs`.
  std::array<std::uint64_t, kLongest + 1> beyond{};
  std::array<std::int64_t, kLongest + 1> place{};
};

constexpr Code make_code() {
  Code code;
  std::uint32_t next = 0;
  int placed = 0;
  for (int bits = kShortest; bits <= kLongest; ++bits) {
    next <<= 1;
    code.place[bits] = placed - static_cast<std::int64_t>(next);
    for (int sign = 0; sign < kSigns; ++sign) {
      if (kBits[sign] != bits) continue;
      code.of_sign[sign] = next++;
      code.signs[placed++] = static_cast<std::uint16_t>(sign);
    }
    code.beyond[bits] = static_cast<std::uint64_t>(next) << (32 - bits);
  }
  return code;
}

constexpr Code kCode = make_code();
static_assert(kCode.beyond[kLongest] == std::uint64_t{1} << 32, "no sequence of bits is left over");

// The sign with which eight bits begin, if its code is not longer.
struct Quick {
  std::uint8_t sign, bits;
};

constexpr auto kQuick = [] {
  std::array<Quick, 256> quick{};
  for (int sign = 0; sign < kEos; ++sign) {
    const int rest = 8 - kBits[sign];
    if (rest < 0) continue;
    const std::uint32_t first = kCode.of_sign[sign] << rest;
    for (std::uint32_t i = 0; i < 1u << rest; ++i)
      quick[first + i] = {static_cast<std::uint8_t>(sign), kBits[sign]};
  }
  return quick;
}();

// Bits, the next one highest; zeros behind them.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
  void fill() {
    if (end_ - at_ >= 8) return fill_at_once();
    for (; count_ <= 56 && at_ != end_; count_ += 8)
      bits_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(*at_++)) << (56 - count_);
  }
  int count() const { return count_; }
  std::uint32_t eight() const { return static_cast<std::uint32_t>(bits_ >> 56); }
  std::uint32_t most() const { return static_cast<std::uint32_t>(bits_ >> 32); }
  void skip(int bits) {
    bits_ <<= bits;
    count_ -= bits;
  }
  // Less than a byte is left, and it is how EOS begins.
  bool ends() const { return count_ < 8 && bits_ == ~(~std::uint64_t{0} >> count_); }

 private:
  // Whole bytes count; the begin of one more stands behind them, and is put there again with it.
  void fill_at_once() {
    std::uint64_t eight;
    std::memcpy(&eight, at_, sizeof eight);
    if constexpr (std::endian::native == std::endian::little) eight = __builtin_bswap64(eight);
    bits_ |= eight >> count_;
    const int bytes = (63 - count_) / 8;
    at_ += bytes;
    count_ += bytes * 8;
  }

  const char* at_;
  const char* end_;
  std::uint64_t bits_ = 0;
  int count_ = 0;
};

}  // namespace

std::size_t huffman_size(std::string_view text) {
  std::size_t bits = 0;
  for (unsigned char c : text) bits += kBits[c];
  return (bits + 7) / 8;
}

char* huffman_encode(std::string_view text, char* to) {
  std::uint64_t bits = 0;
  int count = 0;
  for (unsigned char c : text) {
    bits = bits << kBits[c] | kCode.of_sign[c];
    for (count += kBits[c]; count >= 8; count -= 8) *to++ = static_cast<char>(bits >> (count - 8));
  }
  if (count > 0) *to++ = static_cast<char>(bits << (8 - count) | 0xff >> count);
  return to;
}

char* huffman_decode(std::string_view code, char* to) {
  BitReader bits(code);
  for (;;) {
    if (bits.count() < kLongest) bits.fill();
    int length = 0, sign = 0;
    if (const Quick quick = kQuick[bits.eight()]; quick.bits > 0) {
      length = quick.bits;
      sign = quick.sign;
    } else {
      length = 9;
      while (bits.most() >= kCode.beyond[length]) ++length;
      const std::int64_t value = bits.most() >> (32 - length);
      sign = kCode.signs[static_cast<std::size_t>(value + kCode.place[length])];
    }
    if (length > bits.count()) return bits.ends() ? to : nullptr;
    if (sign == kEos) return nullptr;
    *to++ = static_cast<char>(sign);
    bits.skip(length);
  }
}

}  // namespace sluice::hpack
