#include "control/state/text.hpp"

namespace sluice::state {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Bytes of the code point at the beginning of `text`, by RFC 3629 section 4; 0 when there is none.
std::size_t length_of_first(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte_at(text, 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool too_large = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

bool is_hidden_control(std::string_view code_point) {
  return code_point == "\x7f" ||
         (code_point.size() == 2 && byte_at(code_point, 0) == 0xc2 && byte_at(code_point, 1) < 0xa0);
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  while (!text.empty()) {
    const std::size_t length = length_of_first(text);
    const std::string_view code_point = text.substr(0, length == 0 ? 1 : length);
    out += length == 0 || is_hidden_control(code_point) ? kReplacement : code_point;
    text.remove_prefix(code_point.size());
  }
  return out;
}

}  // namespace sluice::state
