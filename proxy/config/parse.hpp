// The YAML parser, its errors turned into complaints.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/config/complaint.hpp"
#include "proxy/config/yaml_tree.hpp"

namespace sluice::config {

// The one document in `yaml`; nothing, with a complaint, when it is no YAML, empty, or more than one. `file`
// is its number in places; one that is included (not 0) may be empty.
std::optional<YamlTree> parse_yaml(std::string_view yaml, Complaints& out, int file = 0);

}  // namespace sluice::config
