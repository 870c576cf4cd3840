#include "control/rollout/moves.hpp"

#include <algorithm>

#include "proxy/base/values.hpp"

namespace sluice::rollout {
namespace {

using protocol::Problem;
using state::Change;
using state::Rollout;
using state::RolloutPhase;
using state::ServiceState;
using state::State;

// All of a group go back with one of them.
std::string back_command(const std::string& service) { return "sluicectl rollout abort " + service; }

void set_step(ServiceState& service, std::int64_t time) {
  Rollout& rollout = *service.rollout;
  rollout.step_began = time;
  service.set_shares(shares_with(service, rollout.before, rollout.from, rollout.to, rollout.current().share));
}

void enter(ServiceState& service, std::uint32_t step, std::int64_t time, const std::string& why) {
  Rollout& rollout = *service.rollout;
  rollout.phase = RolloutPhase::running;
  rollout.step = step;
  rollout.why = why;
  set_step(service, time);
  rollout.tell(time, rollout.text() + (why.empty() ? "" : ": " + why));
}

// `step` is the rollout's id: from its start to its end it is one step for undo (C9).
Result<Change> changed(const State& before, State next, std::string undo, std::uint64_t step = 0) {
  Change change = state::change_between(before, std::move(next));
  if (change.changed) change.undo = std::move(undo);
  change.step = step;
  return change;
}

std::uint64_t id_of(const State& now, const std::string& name) { return now.service(name)->rollout->id; }

// Who takes a rollout back that ends so, if nobody says it.
std::string judge_of(const Rollout& rollout, RolloutPhase how) {
  if (how != RolloutPhase::rolled_back) return "rollout abort";
  return rollout.phase == RolloutPhase::verifying ? "the verification" : "the gate";
}

std::optional<Problem> not_active(const State& now, const std::string& name) {
  if (auto problem = state::missing_service(now, name)) return problem;
  const auto& rollout = now.service(name)->rollout;
  if (rollout && rollout->active()) return std::nullopt;
  return protocol::conflict("service '" + name + "' has no active rollout" +
                                (rollout ? "; the last one, " + rollout->text() : std::string()),
                            "sluicectl rollout start " + name + " --to POOL");
}

std::optional<Problem> occupied(const ServiceState& service, bool supersede) {
  const bool active = service.rollout && service.rollout->active();
  if (active && supersede && !service.unconfirmed) return std::nullopt;
  auto problem = state::busy(service);
  if (problem && active) problem->suggestion = "--supersede aborts it and starts the new one";
  return problem;
}

std::optional<Problem> cannot_get_more(const ServiceState& service, const std::string& to) {
  if (service.pool(to)->share == kWhole)
    return protocol::refused("pool '" + service.name + "/" + to + "' has 100% already",
                             "sluicectl status " + service.name);
  if (service.stable() == to)
    return protocol::refused("pool '" + service.name + "/" + to + "' is the stable pool",
                             "sluicectl cutover " + service.name + "=" + to + ", or name the new pool");
  return std::nullopt;
}

Rollout made_of(const ServiceState& service, const Start& wanted, const std::string& to, std::uint64_t id,
                std::int64_t time) {
  Rollout rollout;
  rollout.id = id;
  rollout.from = service.stable();
  rollout.to = to;
  for (const auto& [name, pool] : wanted.services) rollout.group.push_back(name);
  rollout.plan = wanted.plan;
  rollout.started = rollout.step_began = time;
  rollout.started_by = wanted.by;
  rollout.before = service.split();
  rollout.stables_before = service.stables;
  rollout.tell(time, "started by " + wanted.by + ", from " + rollout.from + " to " + to +
                         (wanted.plan.name.empty() ? "" : " by plan " + wanted.plan.name));
  return rollout;
}

}  // namespace

Result<Change> start(const State& now, const Start& wanted, std::int64_t time) {
  State next = now;
  std::uint64_t superseded = 0;
  for (const auto& [name, to] : wanted.services) {
    if (auto problem = state::missing(now, {name, to, {}})) return *problem;
    ServiceState& service = *next.service(name);
    if (auto problem = occupied(service, wanted.supersede)) return *problem;
    if (service.rollout && service.rollout->active()) {
      superseded = service.rollout->id;
      state::leave_rollout(service, RolloutPhase::aborted, time, "superseded by a rollout to " + to,
                           "the rollout to " + to);
    }
    if (auto problem = cannot_get_more(service, to)) return *problem;
    service.rollout = made_of(service, wanted, to, now.generation + 1, time);
    if (wanted.plan.verify.empty()) enter(service, 0, time, "");
  }
  return changed(now, std::move(next), back_command(wanted.services.front().first), superseded);
}

Result<Change> advance(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  ServiceState& service = *next.service(name);
  const bool first = service.rollout->phase == RolloutPhase::verifying;
  if (!first && service.rollout->last_step()) return finish(now, name, time, why);
  enter(service, first ? 0 : service.rollout->step + 1, time, why);
  return changed(now, std::move(next), back_command(name), id_of(now, name));
}

Result<Change> jump(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  ServiceState& service = *next.service(name);
  if (service.rollout->phase == RolloutPhase::running && service.rollout->last_step())
    return finish(now, name, time, why);
  enter(service, static_cast<std::uint32_t>(service.rollout->plan.steps.size() - 1), time, why);
  return changed(now, std::move(next), back_command(name), id_of(now, name));
}

Result<Change> finish(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  ServiceState& service = *next.service(name);
  Rollout& rollout = *service.rollout;
  const std::uint64_t step = rollout.id;
  rollout.end(RolloutPhase::done, time, why);
  if (service.pool(rollout.to)->share == kWhole && rollout.plan.retain.count() > 0) {
    rollout.retained_until = time + rollout.plan.retain.count();
    service.retained = state::Retained{{rollout.from}, rollout.retained_until};
  }
  return changed(now, std::move(next), "sluicectl rollback " + name, step);
}

Result<Change> go_back(const State& now, const std::string& name, RolloutPhase how, std::int64_t time,
                       const std::string& why, const std::string& by) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  const Rollout asked = *now.service(name)->rollout;
  for (auto& service : next.services) {
    const auto& rollout = service.rollout;
    if (!rollout || !rollout->active() || rollout->id != asked.id) continue;
    state::leave_rollout(service, how, time, service.name == name ? why : "with service " + name + ": " + why,
                         by.empty() ? judge_of(*rollout, how) : by);
  }
  return changed(now, std::move(next), "sluicectl undo --to-generation " + std::to_string(now.generation),
                 asked.id);
}

Result<Change> set_paused(const State& now, const std::string& name, bool paused, std::int64_t time) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  Rollout& rollout = *next.service(name)->rollout;
  if (rollout.paused != paused) {
    rollout.paused = paused;
    if (!paused && rollout.phase == RolloutPhase::running) rollout.step_began = time;
    rollout.tell(time, rollout.text() + (paused ? "" : ", goes on"));
  }
  return changed(now, std::move(next),
                 std::string("sluicectl rollout ") + (paused ? "resume " : "pause ") + name,
                 id_of(now, name));
}

std::string kept_for_rollback(const ServiceState& service, const std::string& pool, std::int64_t time) {
  const auto& rollout = service.rollout;
  if (rollout && rollout->active() && pool == rollout->from)
    return "the rollout " + rollout->text() + " may go back to it";
  const auto& retained = service.retained;
  if (!retained || !retained->holds(pool) || time >= retained->until || service.pool(pool)->share > 0)
    return {};
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(retained->until - time));
  const bool by_rollout = rollout && rollout->retained_until == retained->until;
  return (by_rollout ? "the rollout " + rollout->text() + " keeps it" : "it is retained") +
         std::string(" as the way back for another ") + duration_text(left);
}

}  // namespace sluice::rollout
