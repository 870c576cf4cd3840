// Why the system refuses a file, so that whoever reads it knows what to type. In a container the usual case:
// a folder of the host is mounted that belongs to root, and the daemon is somebody else.
#pragma once

#include <string>

namespace sluice {

// "Permission denied: /var/lib/sluice is of uid 0, mode 0755, and this process is uid 65532; give it ..."
// What is wrong is looked for at `path` and above it. `error` is an errno; of all but EACCES, EPERM and EROFS
// it is the system's own text. Blocks.
std::string why_denied(const std::string& path, int error);

}  // namespace sluice
