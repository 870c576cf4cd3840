// What `--help` says: short, examples first.
#pragma once

#include <string>

namespace sluice::cli {

// Of one verb; of the whole program when `verb` is empty or unknown.
std::string help(const std::string& verb);

}  // namespace sluice::cli
