#include "control/cli/flag_name.hpp"

#include <algorithm>

namespace sluice::cli {

std::string names_in(std::string_view spelled) {
  std::string names;
  while (spelled.starts_with('-')) {
    const auto end = std::min(spelled.find_first_of(" ,["), spelled.size());
    names += (names.empty() ? "" : ",") + std::string(spelled.substr(0, end));
    spelled.remove_prefix(end);
    if (!spelled.starts_with(", ")) break;
    spelled.remove_prefix(2);
  }
  return names;
}

std::string long_name_in(std::string_view spelled) {
  const auto names = names_in(spelled);
  return names.substr(names.rfind(',') + 1);
}

}  // namespace sluice::cli
