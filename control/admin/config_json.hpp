// The configuration for programs: the YAML of `config show` as JSON.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace sluice::admin {

// Plain scalars that are numbers, true, false or null become those, all else strings. Requires: valid YAML
// (config::to_yaml).
boost::json::value json_from_yaml(const std::string& yaml);

}  // namespace sluice::admin
