#include "control/cli/run.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

int run(Context& context, const protocol::Cutover& message) {
  const int code = change(context, message);
  if (code != 0 || !message.watch_for || context.line.change.dry_run) return code;
  context.output.note("note: watched for " + duration_text(*message.watch_for) +
                      ": sluicectl rollout status " + message.services.front().first + " --follow\n");
  return code;
}

}  // namespace sluice::cli
