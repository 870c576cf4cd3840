// The line in front of a chunk: size, extensions, CRLF (RFC 9112 7.1). Pure.
#pragma once

#include <cstdint>

namespace sluice::http1 {

enum class Take : std::uint8_t { more, complete, refused };

// Takes a line byte by byte. Extensions are read to know where they end, then forgotten.
class ChunkLine {
 public:
  // `budget` pays for every byte that is neither CRLF nor one of the first 16 digits.
  Take take(char c, std::int64_t& budget);
  std::uint64_t size() const { return size_; }  // at most 2^63 - 1
  void reset() { *this = {}; }

 private:
  enum class State : std::uint8_t {
    first_digit,
    digits,
    space_before_extension,
    extension,
    name,
    space_after_name,
    before_value,
    value,
    quoted,
    escaped,
    after_quoted,
    line_feed,
    complete,
    refused,
  };

  State after(char c) const;
  State end_of_member(char c) const;
  bool add_digit(int digit);

  State state_ = State::first_digit;
  std::uint8_t digits_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace sluice::http1
