// Certificates of the configuration that will not do for long. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"

namespace sluice::change {

// A sentence for every certificate that has expired or will within 30 days; `now` in seconds since 1970.
std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now);

}  // namespace sluice::change
