#include "proxy/grpc_web/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::grpc_web {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr unsigned char kPad = 64, kNone = 65;  // beside the values of kLetters

constexpr auto kValues = [] {
  std::array<unsigned char, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kLetters.size(); ++i)
    values[static_cast<unsigned char>(kLetters[i])] = static_cast<unsigned char>(i);
  values['='] = kPad;
  return values;
}();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

}  // namespace

void encode_base64(std::string_view bytes, Buffer& out) {
  const std::size_t size = (bytes.size() + 2) / 3 * 4;
  out.reserve(size);
  char* to = out.room();
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t bits =
        byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
    for (const int shift : {18, 12, 6, 0}) *to++ = kLetters[bits >> shift & 63];
  }
  std::fill_n(to - (size * 3 / 4 - bytes.size()), size * 3 / 4 - bytes.size(), '=');
  out.commit(size);
}

bool Base64Decoder::decode(std::string_view text, Buffer& out) {
  out.reserve(text.size());  // more than comes of it
  for (const char letter : text) {
    const unsigned char value = kValues[static_cast<unsigned char>(letter)];
    const bool after_pad = count_ > 0 && group_[count_ - 1] == kPad;
    if (value == kNone || (value == kPad && count_ < 2) || (after_pad && value != kPad)) return false;
    group_[count_++] = value;
    if (count_ == 4 && !end_group(out)) return false;
  }
  return true;
}

bool Base64Decoder::end_group(Buffer& out) {
  const int pads = (group_[2] == kPad) + (group_[3] == kPad);
  std::uint32_t bits = 0;
  for (const unsigned char value : group_) bits = bits << 6 | (value & 63);
  count_ = 0;
  const std::uint32_t behind = bits & ((std::uint32_t{1} << 8 * pads) - 1);
  if (behind != 0) return false;
  for (int i = 0; i < 3 - pads; ++i) out.append(static_cast<char>(bits >> (16 - 8 * i)));
  return true;
}

}  // namespace sluice::grpc_web
