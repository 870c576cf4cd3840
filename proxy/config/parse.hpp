// The YAML parser, its errors turned into complaints.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/config/complaint.hpp"
#include "proxy/config/yaml_tree.hpp"

namespace sluice::config {

// The one document in `yaml`; nothing, with a complaint, when it is no YAML, empty, or more than one.
std::optional<YamlTree> parse_yaml(std::string_view yaml, Complaints& out);

}  // namespace sluice::config
