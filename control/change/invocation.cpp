#include "control/change/invocation.hpp"

#include <chrono>

namespace sluice::change {

std::string to_string(const Actor& actor) {
  if (!actor.token.empty()) return "token " + actor.token;
  if (!actor.uid) return actor.name.empty() ? "unknown" : actor.name;
  std::string text = "uid " + std::to_string(*actor.uid);
  if (actor.pid) text += " pid " + std::to_string(*actor.pid);
  return actor.name.empty() ? text : actor.name + " (" + text + ")";
}

state::Actor actor_of(const Actor& actor) {
  state::Actor made;
  made.uid = actor.uid.value_or(0);
  made.pid = static_cast<std::int32_t>(actor.pid.value_or(0));
  made.name = !actor.token.empty() ? "token " + actor.token : actor.name;
  return made;
}

Invocation invocation_of(std::string name, std::string reason) {
  Invocation made;
  made.actor.name = std::move(name);
  made.options.reason = std::move(reason);
  return made;
}

std::int64_t unix_milliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace sluice::change
