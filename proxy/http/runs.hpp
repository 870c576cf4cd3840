// Where a run of bytes of one kind ends: sixteen bytes a step with SSE2, which every x86-64 has, else a byte
// a step. Pure.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>

#include "proxy/http/text.hpp"

namespace sluice::http {

// A kind of bytes is a type with
//   has(c)          whether a byte is of the kind
//   outside(bytes)  of sixteen: top bits are set where one is not

// What a line holds but the tab: VCHAR, obs-text and SP (RFC 9110 5.5).
struct TextBytes {
  static constexpr bool has(char c) { return is_text_char(c) && c != '\t'; }
#ifdef __SSE2__
  static __m128i outside(__m128i bytes) {
    const __m128i last_control = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);  // unsigned <= 0x1f
    return _mm_or_si128(control, _mm_cmpeq_epi8(bytes, del));
  }
#endif
};

// What most names of fields are made of: letters, digits and '-'.
struct NameBytes {
  static constexpr bool has(char c) { return kTable[static_cast<unsigned char>(c)]; }
#ifdef __SSE2__
  static __m128i outside(__m128i bytes) {
    const __m128i letters = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digits = within(bytes, '0', '9');
    const __m128i hyphens = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    const __m128i inside = _mm_or_si128(_mm_or_si128(letters, digits), hyphens);
    return _mm_cmpeq_epi8(inside, _mm_setzero_si128());
  }
  // The range is moved up to the end of the signed numbers.
  static __m128i within(__m128i bytes, char first, char last) {
    const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(0x7f - last)));
    return _mm_cmpgt_epi8(moved, _mm_set1_epi8(static_cast<char>(0x7e - (last - first))));
  }
#endif

 private:
  static constexpr auto kTable = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c) table[c] = detail::is_alnum(static_cast<unsigned char>(c)) || c == '-';
    return table;
  }();
};

// What a request target may hold, of what is no control: no space, no fragment, nothing beyond ASCII.
struct TargetBytes {
  static constexpr bool has(char c) { return static_cast<unsigned char>(c) < 0x80 && c != '#' && c != ' '; }
#ifdef __SSE2__
  static __m128i outside(__m128i bytes) {
    const __m128i fragments = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
    const __m128i spaces = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
    return _mm_or_si128(_mm_or_si128(fragments, spaces), bytes);  // of `bytes` the top bits count
  }
#endif
};

// The same but for what ends a path.
struct PathBytes {
  static constexpr bool has(char c) { return TargetBytes::has(c) && c != '?'; }
#ifdef __SSE2__
  static __m128i outside(__m128i bytes) {
    return _mm_or_si128(TargetBytes::outside(bytes), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('?')));
  }
#endif
};

// What most hosts are made of: letters, digits, '-' and '.'.
struct HostBytes {
  static constexpr bool has(char c) { return NameBytes::has(c) || c == '.'; }
#ifdef __SSE2__
  static __m128i outside(__m128i bytes) {
    return _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')), NameBytes::outside(bytes));
  }
#endif
};

// The first byte of [p, end) that is not of the kind, or `end`.
template <class Kind>
[[gnu::always_inline]] inline const char* skip(const char* p, const char* end) {
#ifdef __SSE2__
  const auto hits_at = [](const char* at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return static_cast<unsigned>(_mm_movemask_epi8(Kind::outside(bytes)));
  };
  const auto first = [](unsigned hits) { return static_cast<unsigned>(__builtin_ctz(hits)); };
  if (end - p >= 16) {
    const char* const last = end - 16;
    do {
      if (const unsigned hits = hits_at(p)) return p + first(hits);
      p += 16;
    } while (p <= last);
    // The last sixteen bytes: some of them were looked at before, and are of the kind.
    const unsigned hits = hits_at(last);
    return hits ? last + first(hits) : end;
  }
#endif
  while (p < end && Kind::has(*p)) ++p;
  return p;
}

// The same where most runs are short, and nothing may be looked at behind them.
template <class Kind>
[[gnu::always_inline]] inline const char* skip_short(const char* p, const char* end) {
#ifdef __SSE2__
  const auto hits_at = [](const char* at) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return static_cast<unsigned>(_mm_movemask_epi8(Kind::outside(bytes))) & 0xff;
  };
  if (end - p >= 8 && end - p < 16) {
    if (const unsigned hits = hits_at(p)) return p + __builtin_ctz(hits);
    const char* const last = end - 8;
    const unsigned hits = hits_at(last);
    return hits ? last + __builtin_ctz(hits) : end;
  }
#endif
  return skip<Kind>(p, end);
}

}  // namespace sluice::http
