// The answer to an upgrade comes from the process that leaves; its place in the generations stays.
#include <boost/json/object.hpp>
#include <cmath>

#include "control/cli/run.hpp"

namespace sluice::cli {

namespace {

std::string number_in(const boost::json::object& more, const char* key) {
  const auto* value = more.if_contains(key);
  return value && value->is_number() ? std::to_string(value->to_number<std::uint64_t>()) : "?";
}

}  // namespace

int run(Context& context, const protocol::Upgrade& message) {
  const auto answer =
      send_change(context, send(message), protocol::extra_time_of(message), watch_of(message));
  if (!answer) return context.output.fail(answer.error());
  protocol::Changed changed;
  if (auto problem = protocol::read(answer->body, changed)) return context.output.fail(*problem);
  if (changed.dry_run)
    return context.output.show(answer->body,
                               "the program takes the configuration, and could take over   (dry run)\n");
  return context.output.show(answer->body, "process " + number_in(changed.more, "pid") +
                                               " has taken over from " +
                                               number_in(changed.more, "predecessor") + "   (generation " +
                                               std::to_string(changed.generation) + ", " +
                                               std::to_string(std::llround(changed.took_ms)) + " ms)\n");
}

}  // namespace sluice::cli
