// The effective configuration as YAML, every key with its value: what `config show` prints.
#pragma once

#include <string>

#include "proxy/config/spec.hpp"

namespace sluice::config {

// Loads back to a Spec that equals `spec`. Requires: `spec` was loaded (complete() and validate() hold).
std::string to_yaml(const Spec& spec);
// What load_plan() reads; the name is not in it.
std::string to_yaml(const PlanSpec& plan);

// As it is written in the file: "header:X-User-Id", "ip".
std::string to_string(const StickyKey& key);

}  // namespace sluice::config
