// Ways to cut an input that depend on nothing but the input.
#pragma once

#include <random>
#include <string_view>

#include "proxy/base/hash.hpp"
#include "proxy/http1/head_scanner.hpp"
#include "tests/unit/http1/stream.hpp"

namespace sluice::fuzz {

// Pieces of 1 to 40 bytes.
inline http1::testing::Cut cut_of(std::string_view bytes) {
  return [random = std::minstd_rand(static_cast<unsigned>(hash64("cut", "", bytes)))](std::size_t) mutable {
    return 1 + random() % 40;
  };
}

// A refusal may come after more or less of a body; everything else is the same however the bytes come.
inline http1::testing::Reading verdict(http1::testing::Reading reading) {
  if (reading.outcome == http1::testing::Outcome::refused) reading.content.clear();
  return reading;
}

// What the proxy adds to a head may make it longer than a head that it takes itself.
template <class Head>
bool has_room(const Head& head) {
  return head.fields.size() + 12 < http::kMaxFields && head.size + 1024 < http1::kMaxHead;
}

}  // namespace sluice::fuzz
