#include "control/cli/verbs.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::milliseconds;

int split(Context& context, const protocol::Split& message) {
  protocol::Query query;
  if (!message.rest.empty()) query.emplace_back("rest", message.rest);
  if (message.confirm_within) query.emplace_back("confirm_within", format_duration(*message.confirm_within));
  return change(
      context,
      {"PUT", "/v1/services/" + protocol::percent_encode(message.service) + "/split", to_json(message)},
      std::move(query), message.service);
}

int cutover(Context& context, const protocol::Cutover& message) {
  std::optional<milliseconds> wait = milliseconds(0);
  if (message.wait_drained) wait = message.wait_timeout;
  if (message.checks.any()) wait.reset();  // each check has its own time
  const int code = change(context, {"POST", "/v1/cutover", to_json(message)}, {}, {}, wait);
  if (code != 0 || !message.watch_for || context.line.change.dry_run) return code;
  context.output.note("note: watched for " + duration_text(*message.watch_for) +
                      ": sluicectl rollout status " + message.services.front().first + " --follow\n");
  return code;
}

int rollback(Context& context, const protocol::Rollback& message) {
  if (message.services.size() > 1) return change(context, {"POST", "/v1/rollback", to_json(message)}, {}, {});
  const auto& service = message.services.front();
  return change(context, {"POST", "/v1/services/" + protocol::percent_encode(service) + "/rollback"}, {},
                service);
}

int undo(Context& context, const protocol::Undo& message) {
  return change(context, {"POST", "/v1/undo", to_json(message)}, {}, {});
}

int redo(Context& context, const protocol::Redo&) { return change(context, {"POST", "/v1/redo"}, {}, {}); }

int reload(Context& context) { return change(context, {"POST", "/v1/reload"}, {}, {}); }

}  // namespace sluice::cli
