// The corpus beside the project, when it is there: raw messages and what a strict proxy does with each.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/http1/cases.hpp"

namespace sluice::http1::testing {

// The rows of `file` in $SLUICE_SHARED_CASES, else beside the project; empty when there is no such file.
// Throws std::runtime_error with the line's number for a row it cannot read.
std::vector<Case> load_shared_cases(const std::string& file);

}  // namespace sluice::http1::testing
