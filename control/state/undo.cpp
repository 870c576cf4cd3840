#include "control/state/apply.hpp"
#include "control/state/pending.hpp"
#include "control/state/restore.hpp"
#include "control/state/sentences.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

// The stable pools of `now` are the first of those of `before`, or the same with more for the stable one:
// what was taken back is a shift. (Otherwise one is in force again.)
bool goes_back(const ServiceState& before, const ServiceState& now) {
  const auto &long_ones = before.stable_history, &short_ones = now.stable_history;
  if (short_ones.size() > long_ones.size() ||
      !std::equal(short_ones.begin(), short_ones.end(), long_ones.begin()))
    return false;
  if (short_ones.size() < long_ones.size()) return true;
  return now.pool(now.stable())->share > before.pool(now.stable())->share;
}

protocol::Problem cannot_come_back(const std::vector<std::string>& lost) {
  return protocol::refused("nothing was changed: " + list_of(lost),
                           "put it there again and sluicectl reload; or repeat it with --force, and the rest "
                           "goes back");
}

}  // namespace

Change unchanged(const State& state, std::string why) {
  Change change = change_between(state, state);
  change.why = std::move(why);
  return change;
}

Result<Change> restored(const State& state, State next, const Obstacles& obstacles, const Asked& asked) {
  if (!obstacles.lost.empty() && !asked.force) return cannot_come_back(obstacles.lost);
  std::vector<std::string> moved;
  for (const auto& diff : shares_between(state, next)) moved.push_back(diff.service);
  for (const auto& name : moved) {
    const ServiceState* before = state.service(name);
    ServiceState& service = *next.service(name);
    if (service.rollout && service.rollout->active()) return *busy(service);
    service.unconfirmed.reset();
    if (goes_back(*before, service)) note_taken_back(*before, service, "undo by " + asked.by, asked.time);
  }
  Change change = change_between(state, std::move(next));
  change.restored = sentences_between(state, change.next);
  // What is left then is memory: tables of before, a former word on the last shift.
  if (change.restored.empty()) change = change_between(state, state);
  change.notes = obstacles.stays;
  for (const auto& sentence : obstacles.lost) change.notes.push_back("without it: " + sentence);
  return change;
}

Result<Change> undo(const State& state, const State& recorded, const Asked& asked) {
  State next = state;
  Obstacles obstacles;
  restore(next, recorded, asked.time, obstacles);
  auto change = restored(state, std::move(next), obstacles, asked);
  if (change && change->changed)
    change->undo = "sluicectl undo --to-generation " + std::to_string(state.generation);
  return change;
}

}  // namespace sluice::state
