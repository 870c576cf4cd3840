// The manual pages of sluicectl, one for the program and one for each verb, of what verbs say of themselves
// (protocol/words.hpp). Pure.
#pragma once

#include <vector>

#include "proxy/base/man_page.hpp"

namespace sluice::cli {

std::vector<ManPage> man_pages();

}  // namespace sluice::cli
