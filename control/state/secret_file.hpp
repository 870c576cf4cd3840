// A secret in the state folder.
#pragma once

#include <string>
#include <string_view>

#include "control/state/file.hpp"

namespace sluice::state {

// Whole and on the disk as folder + name, or not at all; for nobody else to read. Control thread; blocks.
Error write_secret_file(FileSystem& files, const std::string& folder, std::string_view name,
                        std::string_view text);

}  // namespace sluice::state
