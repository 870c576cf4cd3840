// A flag as help spells it ("-f, --follow", "--message M", "--wait-drained[=30s]"), taken apart. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

// "-f,--follow", as CLI11 wants it.
std::string names_in(std::string_view spelled);
// "--follow": by which complaints name it.
std::string long_name_in(std::string_view spelled);

}  // namespace sluice::cli
