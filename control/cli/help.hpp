// What `--help` says: short, examples first.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

inline constexpr std::string_view kDryRunDoes = "say what would change, change nothing";
inline constexpr std::string_view kForceDoes =
    "even if a pool that gets requests has no eligible backend then";

// What help and manual say of every verb.
inline constexpr std::string_view kGlobalFlags =
    R"(  --socket PATH          admin socket; default $SLUICE_SOCKET, /run/sluice/admin.sock
                         or $XDG_RUNTIME_DIR/sluice/admin.sock
  --url URL              admin.http instead, with --token-file FILE
  -o, --output FORMAT    table or json
  --reason TEXT          why, for the history
  --if-generation N      only if nothing has changed since generation N
  -h, --help             of a verb: sluicectl split --help
  --version
)";
inline constexpr std::string_view kExitCodes =
    R"(0 done, 1 internal, 2 usage or configuration, 3 daemon unreachable, 4 not found, 5 conflict,
      6 gate failed, 7 timed out (it goes on), 8 drained by force, 9 refused
)";

// Of one verb; of the whole program when `verb` is empty or unknown.
std::string help(const std::string& verb);

}  // namespace sluice::cli
