#include "control/state/walk.hpp"

#include <algorithm>

#include "control/state/restore.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using Steps = std::vector<Step>;

Steps::iterator step_with(Steps& steps, std::uint64_t generation) {
  return std::find_if(steps.begin(), steps.end(), [&](const Step& step) {
    return std::find(step.generations.begin(), step.generations.end(), generation) != step.generations.end();
  });
}

// Of steps that are no longer recorded nothing can be said.
void move_step(std::uint64_t id, Steps& from, Steps& to) {
  const auto found = step_with(from, id);
  if (found == from.end()) return;
  to.push_back(std::move(*found));
  from.erase(found);
}

void go_on(Steps& steps, Steps::iterator step, std::uint64_t generation) {
  step->generations.push_back(generation);
  std::rotate(step, step + 1, steps.end());  // what was done last is taken back first
}

void add(Walk& walk, const PastEdit& edit, std::uint64_t first_recorded) {
  for (const auto id : edit.undone) move_step(id, walk.done, walk.undone);
  for (const auto id : edit.redone) move_step(id, walk.undone, walk.done);
  const bool settings_only = edit.services.empty() && edit.gone.empty();
  if (!edit.undone.empty() || !edit.redone.empty() || settings_only || edit.verb == kRetentionOver) return;
  if (edit.step > 0)
    if (const auto begun = step_with(walk.done, edit.step); begun != walk.done.end())
      return go_on(walk.done, begun, edit.generation);
  if (edit.step > 0 && edit.step < first_recorded) return;
  walk.done.push_back({{edit.generation}});
  walk.undone.clear();
}

enum class Way : std::uint8_t { back, forth };

void go(State& next, const History& history, const PastEdit& edit, Way way, std::int64_t time,
        Obstacles& obstacles) {
  for (const auto& recorded : edit.services) {
    const auto before = history.service_at(recorded.name, edit.generation - 1);
    const auto after = history.service_at(recorded.name, edit.generation);
    if (!before || !after) continue;  // it came with the configuration
    if (ServiceState* there = next.service(recorded.name))
      way == Way::back ? restore(*there, *after, *before, time, obstacles)
                       : restore(*there, *before, *after, time, obstacles);
    else
      obstacles.lost.push_back("service '" + recorded.name + "' is gone from the configuration");
  }
  if (way == Way::forth) return;
  for (const auto& name : edit.gone)
    obstacles.lost.push_back("service '" + name + "' is gone from the configuration");
}

Result<Change> walked(const State& now, const History& history, const Step& step, Way way,
                      const Asked& asked) {
  State next = now;
  Obstacles obstacles;
  auto generations = step.generations;
  if (way == Way::back) std::reverse(generations.begin(), generations.end());
  for (const auto generation : generations)
    if (const PastEdit* edit = history.edit_at(generation))
      go(next, history, *edit, way, asked.time, obstacles);
  return restored(now, std::move(next), obstacles, asked);
}

// "generation 4: split, by alice"
std::string name_of(const History& history, const Step& step) {
  const PastEdit* edit = history.edit_at(step.id());
  std::string text = step.generations.size() == 1 ? "generation " + std::to_string(step.id())
                                                  : "generations " + std::to_string(step.id()) + " to " +
                                                        std::to_string(step.generations.back());
  if (!edit) return text;
  const Actor& who = edit->actor;
  const std::string name =
      who.name.empty() ? "uid " + std::to_string(who.uid) + " pid " + std::to_string(who.pid) : who.name;
  return text + ": " + edit->verb + ", by " + name;
}

protocol::Problem about(const History& history, const Step& step, Way way, protocol::Problem problem) {
  problem.detail = (way == Way::back ? "what would be taken back is " : "what would be made again is ") +
                   name_of(history, step) + "; " + problem.detail;
  return problem;
}

// A rollout that went back and a change that was not confirmed leave nothing to take back. When one of them
// is what happened last, an operator who types `undo` means it.
std::string taken_back_already(const History& history, const Step& step) {
  const PastEdit* last = history.edit_at(step.generations.back());
  if (!last || (last->verb != "rollout back" && last->verb != "rollout abort" && last->verb != "revert"))
    return {};
  std::vector<std::string> texts;
  for (const auto& recorded : last->services)
    if (const auto service = history.service_at(recorded.name, last->generation);
        service && service->taken_back)
      texts.push_back((last->services.size() > 1 ? recorded.name + ": " : "") + service->taken_back->text());
  if (texts.empty()) return last->verb + " took it back at " + time_text(last->time);
  return list_of(texts);
}

// The generation before the latest of `steps` that left something; 0 when there is none.
std::uint64_t before_the_last_effect(const State& now, const History& history, std::span<const Step> steps,
                                     const Asked& asked) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto change = walked(now, history, *step, Way::back, asked);
    if (!change || change->changed) return step->id() - 1;
  }
  return 0;
}

std::vector<std::uint64_t> ids_of(std::span<const Step> steps) {
  std::vector<std::uint64_t> ids;
  for (const auto& step : steps) ids.push_back(step.id());
  return ids;
}

bool begins_with(const Steps& steps, const Steps& first) {
  return first.size() <= steps.size() && std::equal(first.begin(), first.end(), steps.begin());
}

}  // namespace

Walk walk_until(std::span<const PastEdit> history, std::uint64_t generation) {
  Walk walk;
  for (const auto& edit : history) {
    if (edit.generation > generation) break;
    add(walk, edit, history.front().generation);
  }
  return walk;
}

Result<Change> undo(const State& now, const History& history, const Asked& asked) {
  const Steps done = walk_until(history.edits(), now.generation).done;
  for (std::size_t i = done.size(); i-- > 0;) {
    const Step& step = done[i];
    auto change = walked(now, history, step, Way::back, asked);
    if (!change) return about(history, step, Way::back, change.error());
    if (change->changed) {
      change->undone = {step.id()};
      change->undo = "sluicectl redo";
      change->notes.push_back("taken back is " + name_of(history, step));
      return change;
    }
    std::string why = taken_back_already(history, step);
    if (why.empty()) continue;  // nothing of it is left
    Change same = unchanged(now, std::move(why));
    if (const auto further = before_the_last_effect(now, history, std::span(done).first(i), asked))
      same.notes.push_back("further back on purpose: sluicectl undo --to-generation " +
                           std::to_string(further));
    return same;
  }
  return unchanged(now, "nothing to undo");
}

Result<Change> redo(const State& now, const History& history, const Asked& asked) {
  const Steps undone = walk_until(history.edits(), now.generation).undone;
  std::vector<std::uint64_t> made;
  for (auto step = undone.rbegin(); step != undone.rend(); ++step) {
    auto change = walked(now, history, *step, Way::forth, asked);
    if (!change) return about(history, *step, Way::forth, change.error());
    made.push_back(step->id());
    if (!change->changed) continue;
    change->redone = std::move(made);
    change->undo = "sluicectl undo";
    change->notes.push_back("made again is " + name_of(history, *step));
    return change;
  }
  return unchanged(now, "nothing to redo");
}

Result<Change> undo_to(const State& now, const History& history, std::uint64_t generation,
                       const Asked& asked) {
  const auto recorded = history.state_at(generation);
  if (!recorded)
    return protocol::not_found("generation " + std::to_string(generation) + " is not recorded; there are " +
                                   std::to_string(history.oldest()) + " to " + std::to_string(now.generation),
                               "sluicectl history");
  auto change = undo(now, *recorded, asked);
  if (!change) return change;
  if (!change->changed) {
    change->why = "it is as it was at generation " + std::to_string(generation);
    return change;
  }
  const Walk here = walk_until(history.edits(), now.generation);
  const Walk there = walk_until(history.edits(), generation);
  if (begins_with(here.done, there.done)) {
    change->undone = ids_of(std::span(here.done).subspan(there.done.size()));
    std::reverse(change->undone.begin(), change->undone.end());
  } else if (begins_with(there.done, here.done)) {
    const auto more = ids_of(std::span(there.done).subspan(here.done.size()));
    auto next = ids_of(here.undone);
    std::reverse(next.begin(), next.end());
    next.resize(std::min(next.size(), more.size()));
    if (next == more) change->redone = more;
  }
  return change;
}

}  // namespace sluice::state
