#include "control/protocol/gates.hpp"

namespace sluice::protocol {

std::optional<Problem> check(const Checks& checks, bool has_hooks) {
  for (const auto& command : checks.exec_before)
    if (command.empty()) return malformed("'exec_before' is empty, it needs a command", "exec_before");
  if (checks.exec_timeout && checks.exec_before.empty() && !has_hooks)
    return malformed("'exec_timeout' needs a command beside it", "exec_timeout");
  return std::nullopt;
}

}  // namespace sluice::protocol
