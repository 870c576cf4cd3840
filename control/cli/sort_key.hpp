// The word behind `status --sort`. Pure.
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

// What --sort takes. All but "name" put the largest, the worst or what has moved furthest first.
std::vector<std::string> sort_keys();

// As a value of a flag.
struct SortKey {
  std::string& value;
};

}  // namespace sluice::cli
