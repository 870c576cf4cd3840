// A name that a list of pairs holds twice. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>

namespace sluice::protocol {

// The first name that comes twice.
template <class Pairs>
std::optional<std::string> twice(const Pairs& pairs) {
  std::set<std::string> seen;
  for (const auto& [name, value] : pairs)
    if (!seen.insert(name).second) return name;
  return std::nullopt;
}

}  // namespace sluice::protocol
