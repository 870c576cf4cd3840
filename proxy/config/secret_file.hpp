// A password or token in a file of its own. Blocks on the disk.
#pragma once

#include <string>

namespace sluice::config {

enum class SecretKind { password, token };

// The file's only line, without its end. Empty with a clause in `why` ("cannot be read (No such file or
// directory)"), which shows nothing of what stands in it.
std::string read_secret(const std::string& path, SecretKind kind, std::string& why);

}  // namespace sluice::config
