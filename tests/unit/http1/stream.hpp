// Reads a whole byte stream the way a session does, in pieces of any size, and says what became of it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http1::testing {

enum class Outcome { complete, incomplete, refused };

struct Reading {
  Outcome outcome = Outcome::complete;
  int messages = 0;     // complete ones
  int status = 0;       // of the refusal
  std::string content;  // what a correct reader understood: methods, targets, fields, bodies, trailers
  bool operator==(const Reading&) const = default;
};

// `cut(offset)`: how many bytes arrive at once from there.
using Cut = std::function<std::size_t(std::size_t offset)>;

Reading read_requests(std::string_view bytes, const Cut& cut);
// `then_eof`: the backend closes after its last byte.
Reading read_responses(std::string_view bytes, bool request_was_head, bool then_eof, const Cut& cut);

inline std::size_t at_once(std::size_t) { return static_cast<std::size_t>(-1); }
inline std::size_t byte_by_byte(std::size_t) { return 1; }
// Two pieces.
inline Cut split_at(std::size_t where) {
  return
      [where](std::size_t offset) { return offset < where ? where - offset : static_cast<std::size_t>(-1); };
}

}  // namespace sluice::http1::testing
