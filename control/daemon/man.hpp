// The manual pages of the daemon: sluiced(8) of its usage, sluice.yaml(5) of conf/reference.yaml. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/base/man_page.hpp"

namespace sluice::daemon {

// conf/reference.yaml as it was when this was built (CMakeLists.txt has it made).
extern const std::string_view kReference;

std::vector<ManPage> man_pages();

}  // namespace sluice::daemon
