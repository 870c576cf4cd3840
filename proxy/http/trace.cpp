#include "proxy/http/trace.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

bool is_lower_hex(std::string_view text) {
  for (char c : text)
    if (!is_digit(c) && (c < 'a' || c > 'f')) return false;
  return true;
}

bool is_id(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

#ifdef __SSE2__
// Sixteen digits at once: the nibbles are spread over the bytes, then all turned into letters together.
char* write_hex(std::uint64_t value, char* out) {
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i low = _mm_set1_epi8(0x0f);
  const __m128i nibbles =
      _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), _mm_and_si128(bytes, low));
  const __m128i letters = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
  const __m128i digits = _mm_add_epi8(nibbles, _mm_set1_epi8('0'));
  const __m128i text = _mm_add_epi8(digits, _mm_and_si128(letters, _mm_set1_epi8('a' - '0' - 10)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), text);
  return out + sizeof text;
}
#else
// Eight digits at once: the nibbles are spread over the bytes of a word, then all turned into letters
// together.
std::uint64_t hex_digits(std::uint32_t value) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t x = value;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  const std::uint64_t letters = (x + 6 * kOnes) >> 4 & kOnes;  // one where the nibble is above 9
  return x + '0' * kOnes + letters * ('a' - '0' - 10);
}

char* write_hex(std::uint64_t value, char* out) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t digits[2] = {__builtin_bswap64(hex_digits(static_cast<std::uint32_t>(value >> 32))),
                                   __builtin_bswap64(hex_digits(static_cast<std::uint32_t>(value)))};
  std::memcpy(out, digits, sizeof digits);
  return out + sizeof digits;
}
#endif

// Zero is no valid id.
char* write_trace_id(const std::array<std::uint64_t, 3>& random, char* out) {
  return write_hex(random[1] | 1, write_hex(random[0], out));
}

}  // namespace

bool is_traceparent(std::string_view text) {
  constexpr std::size_t kSize = 55;
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const auto version = text.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return false;
  if (text.size() > kSize && (version == "00" || text[kSize] != '-')) return false;
  return is_id(text.substr(3, 32)) && is_id(text.substr(36, 16)) && is_lower_hex(text.substr(53, 2));
}

std::optional<TraceParent> read_traceparent(std::string_view text) {
  if (!is_traceparent(text)) return std::nullopt;
  constexpr int kKnown = 3;
  const char digit = text[54];
  const int low = is_digit(digit) ? digit - '0' : digit - 'a' + 10;
  return TraceParent{text.substr(3, 32), text.substr(36, 16), static_cast<std::uint8_t>(low & kKnown)};
}

std::string_view write_traceparent(const TraceParent& parent, char (&storage)[55]) {
  std::memcpy(storage, "00-", 3);
  std::memcpy(storage + 3, parent.trace_id.data(), 32);
  storage[35] = '-';
  std::memcpy(storage + 36, parent.span_id.data(), 16);
  std::memcpy(storage + 52, "-0", 2);
  storage[54] = static_cast<char>('0' + parent.flags);
  return {storage, sizeof storage};
}

void write_span_id(std::uint64_t random, char (&storage)[16]) { write_hex(random | 1, storage); }

std::string_view make_traceparent(const std::array<std::uint64_t, 3>& random, std::string_view trace_id,
                                  char (&storage)[55]) {
  constexpr std::size_t kTraceId = 32;
  std::memcpy(storage, "00-", 3);
  char* out = storage + 3;
  if (trace_id.size() == kTraceId) {
    std::memcpy(out, trace_id.data(), kTraceId);
    out += kTraceId;
  } else {
    out = write_trace_id(random, out);
  }
  *out++ = '-';
  out = write_hex(random[2] | 1, out);
  // Sampled: a backend then decides as it would without the proxy; 00 would switch tracing off for all
  // backends.
  std::memcpy(out, "-01", 3);
  return {storage, sizeof storage};
}

std::string_view make_request_id(const std::array<std::uint64_t, 3>& random, char (&storage)[32]) {
  write_trace_id(random, storage);
  return {storage, sizeof storage};
}

bool is_sane_request_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (char c : text)
    if (c < 0x21 || c > 0x7e) return false;
  return true;
}

}  // namespace sluice::http
