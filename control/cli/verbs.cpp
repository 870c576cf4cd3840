// What is wrong with a verb as a whole, whatever the daemon says.
#include "control/cli/verbs.hpp"

namespace sluice::cli {

using protocol::malformed;
using protocol::Problem;

std::optional<Problem> check(const RolloutStartVerb& verb) {
  auto message = verb.message;
  if (!verb.file.empty()) message.plan_text = verb.file;  // read later
  return check(message);
}

std::optional<Problem> check(const RolloutVerbs&) {
  return malformed("rollout does start, status, pause, resume, promote or abort");
}

std::optional<Problem> check(const HistoryVerb& verb) {
  if (!verb.verify || verb.message.service.empty()) return std::nullopt;
  return protocol::malformed("--verify is of the whole log, leave out '" + verb.message.service + "'");
}

std::optional<Problem> check(const RollingVerb& verb) {
  if (verb.run.empty()) return malformed("--run is missing, the command for each backend");
  if (verb.batch == 0) return malformed("--batch must be at least 1");
  return std::nullopt;
}

std::optional<Problem> check(const RehearseVerb& verb) {
  if (verb.logs.empty()) return malformed("--log is missing, the access log that is rehearsed");
  if (verb.rate > 0 && verb.draw_for.count() < 1000) return malformed("--for must be at least 1s");
  return std::nullopt;
}

std::optional<Problem> check(const FlagVerb& verb) {
  const bool set = verb.action == "set", list = verb.action == "list";
  if (!list && verb.message.flag.empty()) return malformed("which flag? write flag " + verb.action + " NAME");
  if (set && !verb.share) return malformed("for how many? write flag set NAME 10%");
  if (!set && verb.share) return malformed("flag " + verb.action + " takes no percentage");
  if (list && !verb.message.flag.empty()) return malformed("flag list takes no name");
  return std::nullopt;
}

std::optional<Problem> check(const MirrorVerb& verb) {
  if (!verb.message.to.empty() || verb.off) return std::nullopt;
  return malformed("say where to, --to POOL --share 10%, or --off");
}

}  // namespace sluice::cli
