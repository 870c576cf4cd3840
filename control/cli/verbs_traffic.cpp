// What is laid over a service's shares: pause, resume, stop.
#include "control/cli/verbs.hpp"

namespace sluice::cli {

using protocol::milliseconds;

namespace {

std::string path_to(const std::string& service, const std::string& what) {
  return "/v1/services/" + protocol::percent_encode(service) + "/" + what;
}

}  // namespace

int pause(Context& context, const protocol::Pause& message) {
  std::optional<milliseconds> wait = milliseconds(0);
  if (message.wait) wait = message.timeout.count() > 0 ? std::optional(message.timeout) : std::nullopt;
  return change(context, {"POST", path_to(message.service, "pause"), to_json(message)}, {}, message.service,
                wait);
}

int resume(Context& context, const protocol::Resume& message) {
  return change(context, {"POST", path_to(message.service, "resume"), to_json(message)}, {}, message.service);
}

int stop(Context& context, const protocol::Stop& message) {
  return change(context, {"POST", path_to(message.service, "stop"), to_json(message)}, {}, message.service);
}

}  // namespace sluice::cli
