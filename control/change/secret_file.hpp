// A secret in the state folder.
#pragma once

#include <string>
#include <string_view>

#include "control/state/file.hpp"

namespace sluice::change {

// Whole and on the disk as folder + name, or not at all; for nobody else to read. Control thread; blocks.
state::Error write_secret_file(state::FileSystem& files, const std::string& folder, std::string_view name,
                               std::string_view text);

}  // namespace sluice::change
