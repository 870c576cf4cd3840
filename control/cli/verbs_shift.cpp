#include "control/cli/verbs.hpp"

namespace sluice::cli {

using protocol::milliseconds;

int split(Context& context, const protocol::Split& message) {
  protocol::Query query;
  if (!message.rest.empty()) query.emplace_back("rest", message.rest);
  return change(
      context,
      {"PUT", "/v1/services/" + protocol::percent_encode(message.service) + "/split", to_json(message)},
      std::move(query), message.service);
}

int cutover(Context& context, const protocol::Cutover& message) {
  std::optional<milliseconds> wait = milliseconds(0);
  if (message.wait_drained) wait = message.wait_timeout;
  return change(context, {"POST", "/v1/cutover", to_json(message)}, {}, {}, wait);
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

int reload(Context& context) { return change(context, {"POST", "/v1/reload"}, {}, {}); }

}  // namespace sluice::cli
