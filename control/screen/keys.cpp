#include "control/screen/keys.hpp"

#include <optional>
#include <string_view>

namespace sluice::screen {

namespace {

constexpr char kEscape = '\x1b';

// ECMA-48 8.3.16 and the application mode of the arrows (ESC O A).
Key key_of_sequence(char last, std::string_view parameters) {
  using Kind = Key::Kind;
  if (last == 'A') return {Kind::up};
  if (last == 'B') return {Kind::down};
  if (last == '~' && parameters == "5") return {Kind::page_up};
  if (last == '~' && parameters == "6") return {Kind::page_down};
  return {Kind::other};
}

// The length of the escape sequence that `bytes` begins with; nothing while it is not whole.
std::optional<std::size_t> length_of_sequence(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  if (bytes[1] == 'O') return bytes.size() < 3 ? std::nullopt : std::optional<std::size_t>(3);
  if (bytes[1] != '[') return 2;
  for (std::size_t i = 2; i < bytes.size(); ++i)
    if (bytes[i] >= 0x40 && bytes[i] <= 0x7E) return i + 1;
  return std::nullopt;
}

Key key_of_character(char character) {
  if (character == '\r' || character == '\n') return {Key::Kind::enter};
  if (static_cast<unsigned char>(character) < 0x20 || static_cast<unsigned char>(character) >= 0x7F)
    return {};
  return {Key::Kind::character, character};
}

}  // namespace

std::vector<Key> decode(std::string& bytes, bool no_more) {
  std::vector<Key> keys;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto rest = std::string_view(bytes).substr(at);
    if (rest.front() != kEscape) {
      keys.push_back(key_of_character(rest.front()));
      ++at;
      continue;
    }
    const auto length = length_of_sequence(rest);
    if (!length && !no_more) break;
    if (!length) {
      keys.push_back({Key::Kind::escape});
      ++at;
    } else {
      keys.push_back(key_of_sequence(rest[*length - 1], rest.substr(2, *length - 3)));
      at += *length;
    }
  }
  bytes.erase(0, at);
  return keys;
}

}  // namespace sluice::screen
