#include "control/protocol/request.hpp"

namespace sluice::protocol {

std::optional<std::string> filled(std::string_view pattern, const PathNames& names) {
  std::string path;
  for (;;) {
    const auto open = pattern.find('{');
    path += pattern.substr(0, open);
    if (open == std::string_view::npos) return path;
    const auto close = pattern.find('}', open);
    const auto word = pattern.substr(open + 1, close - open - 1);
    const auto found =
        std::find_if(names.begin(), names.end(), [word](const auto& name) { return name.first == word; });
    if (found == names.end()) return std::nullopt;
    path += percent_encode(found->second);
    pattern.remove_prefix(close + 1);
  }
}

}  // namespace sluice::protocol
