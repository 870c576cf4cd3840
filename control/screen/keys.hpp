// What a keyboard sends, as keys. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::screen {

struct Key {
  enum class Kind : std::uint8_t {
    character,
    up,
    down,
    page_up,
    page_down,
    enter,
    escape,
    other
  } kind = Kind::other;
  char character = 0;  // of Kind::character

  bool is(char wanted) const { return kind == Kind::character && character == wanted; }
  bool operator==(const Key&) const = default;
};

// The whole keys at the beginning of `bytes`, which are taken off. The beginning of an escape sequence stays,
// unless `no_more` says that nothing follows it for now: then it was the Escape key.
std::vector<Key> decode(std::string& bytes, bool no_more);

}  // namespace sluice::screen
