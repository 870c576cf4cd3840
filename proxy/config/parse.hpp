// The YAML parser, its errors turned into complaints.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string_view>

#include "proxy/config/complaint.hpp"

namespace sluice::config {

// The one document in `yaml`; nothing, with a complaint, when it is no YAML, empty, or more than one.
std::optional<YAML::Node> parse_yaml(std::string_view yaml, Complaints& out);

}  // namespace sluice::config
