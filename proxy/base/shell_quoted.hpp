// Texts in commands that a shell reads. Pure.
#pragma once

#include <string>

namespace sluice {

// `text` as one word of a shell command.
inline std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace sluice
