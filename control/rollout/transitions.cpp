#include "control/rollout/transitions.hpp"

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

// One of a group is enough: it takes the others with it.
std::string back_command(const std::string& service) { return "sluicectl rollout abort " + service; }

std::string rollback_command(const std::vector<std::string>& services) {
  std::string text = "sluicectl rollback";
  for (const auto& service : services) text += " " + service;
  return text;
}

// Those that move in step with an active rollout, itself included; in the order of the state.
std::vector<ServiceState*> in_step_with(State& state, std::uint64_t id) {
  std::vector<ServiceState*> members;
  for (std::size_t i = 0; i < state.services.size(); ++i) {
    const auto& rollout = state.services[i].rollout;
    if (rollout && rollout->active() && rollout->id == id) members.push_back(&state.services.edit(i));
  }
  return members;
}

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
  rollout.log_change(time, rollout.text() + (why.empty() ? "" : ": " + why));
}

// The last step passed: the shares stay.
void end_well(ServiceState& service, std::int64_t time, const std::string& why) {
  Rollout& rollout = *service.rollout;
  rollout.end(RolloutPhase::done, time, why);
  if (service.pool(rollout.to)->share < kWhole || rollout.plan.retain.count() == 0) return;
  rollout.retained_until = time + rollout.plan.retain.count();
  service.retained = state::Retained{{rollout.from}, rollout.retained_until};
}

// To the step after this one, or to the end.
void go_on(ServiceState& service, std::int64_t time, const std::string& why) {
  const Rollout& rollout = *service.rollout;
  if (rollout.phase == RolloutPhase::verifying)
    enter(service, 0, time, why);
  else if (rollout.last_step())
    end_well(service, time, why);
  else
    enter(service, rollout.step + 1, time, why);
}

// `step` is the rollout's id: from its start to its end it is one step for undo (C9).
Result<Change> changed(const State& before, State next, std::string undo, std::uint64_t step = 0) {
  Change change = state::change_between(before, std::move(next));
  if (change.changed) change.undo = std::move(undo);
  change.step = step;
  return change;
}

std::uint64_t id_of(const State& now, const std::string& name) { return now.service(name)->rollout->id; }

// Whose word ended the rollout, when the caller does not say it.
std::string judge_of(const Rollout& rollout, RolloutPhase how) {
  if (how != RolloutPhase::rolled_back) return "rollout abort";
  return rollout.phase == RolloutPhase::verifying ? "the verification" : "the gate";
}

// C6: all of its group.
void leave_all(State& state, const std::string& name, RolloutPhase how, std::int64_t time,
               const std::string& why, const std::string& by) {
  for (ServiceState* service : in_step_with(state, state.service(name)->rollout->id))
    state::leave_rollout(*service, how, time,
                         service->name == name ? why : "with service " + name + ": " + why,
                         by.empty() ? judge_of(*service->rollout, how) : by);
}

std::optional<Problem> not_active(const State& now, const std::string& name) {
  if (auto problem = state::missing_service(now, name)) return problem;
  const auto& rollout = now.service(name)->rollout;
  if (rollout && rollout->active()) return std::nullopt;
  return protocol::conflict("service '" + name + "' has no active rollout" +
                                (rollout ? "; the last one, " + rollout->text() : std::string()),
                            "sluicectl rollout --help says how to start one");
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
  rollout.stable_history_before = service.stable_history;
  std::string with;
  for (const auto& other : rollout.group)
    if (other != service.name) with += (with.empty() ? ", in step with " : ", ") + other;
  rollout.log_change(time, "started by " + wanted.by + ", from " + rollout.from + " to " + to +
                               (wanted.plan.name.empty() ? "" : " by plan " + wanted.plan.name) + with);
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
      leave_all(next, name, RolloutPhase::aborted, time, "superseded by a rollout to " + to,
                "the rollout to " + to);
    }
    if (auto problem = cannot_get_more(service, to)) return *problem;
    service.rollout = made_of(service, wanted, to, now.generation + 1, time);
    if (!wanted.plan.begins_with_checks()) enter(service, 0, time, "");
  }
  return changed(now, std::move(next), back_command(wanted.services.front().first), superseded);
}

Result<Change> advance(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  const auto group = next.service(name)->rollout->group;
  for (ServiceState* service : in_step_with(next, next.service(name)->rollout->id))
    go_on(*service, time, why);
  const bool goes_on = next.service(name)->rollout->active();
  return changed(now, std::move(next), goes_on ? back_command(name) : rollback_command(group),
                 id_of(now, name));
}

Result<Change> jump(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  const Rollout& asked = *now.service(name)->rollout;
  if (asked.phase == RolloutPhase::running && asked.last_step()) return finish(now, name, time, why);
  State next = now;
  const auto last = static_cast<std::uint32_t>(asked.plan.steps.size() - 1);
  for (ServiceState* service : in_step_with(next, asked.id)) enter(*service, last, time, why);
  return changed(now, std::move(next), back_command(name), asked.id);
}

Result<Change> finish(const State& now, const std::string& name, std::int64_t time, const std::string& why) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  const Rollout& asked = *now.service(name)->rollout;
  for (ServiceState* service : in_step_with(next, asked.id)) end_well(*service, time, why);
  return changed(now, std::move(next), rollback_command(asked.group), asked.id);
}

Result<Change> go_back(const State& now, const std::string& name, RolloutPhase how, std::int64_t time,
                       const std::string& why, const std::string& by) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  leave_all(next, name, how, time, why, by);
  return changed(now, std::move(next), "sluicectl undo --to-generation " + std::to_string(now.generation),
                 id_of(now, name));
}

Result<Change> set_paused(const State& now, const std::string& name, bool paused, std::int64_t time) {
  if (auto problem = not_active(now, name)) return *problem;
  State next = now;
  for (ServiceState* service : in_step_with(next, now.service(name)->rollout->id)) {
    Rollout& rollout = *service->rollout;
    if (rollout.paused == paused) continue;
    rollout.paused = paused;
    if (!paused && rollout.phase == RolloutPhase::running) rollout.step_began = time;
    rollout.log_change(time, rollout.text() + (paused ? "" : ", goes on"));
  }
  return changed(now, std::move(next),
                 std::string("sluicectl rollout ") + (paused ? "resume " : "pause ") + name,
                 id_of(now, name));
}

std::vector<std::string> with_group(const State& now, const std::vector<std::string>& services) {
  std::vector<std::string> all = services;
  for (const auto& name : services) {
    const auto* service = now.service(name);
    if (!service || !service->rollout || !service->rollout->active()) continue;
    for (const auto& other : now.services)
      if (other.rollout && other.rollout->active() && other.rollout->id == service->rollout->id &&
          std::find(all.begin(), all.end(), other.name) == all.end())
        all.push_back(other.name);
  }
  return all;
}

std::vector<std::string> remarks(const config::PlanSpec& plan, const std::string& to) {
  std::vector<std::string> all;
  if (plan.gates.empty())
    all.push_back("the plan has no gate: only a pool '" + to +
                  "' that fails nearly everything, or has no backend left, is taken back (such as "
                  "--max-error-rate 5%)");
  std::string quick;
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (plan.steps[i].hold.count() == 0 && !plan.steps[i].approve)
      quick += (quick.empty() ? "step " : ", ") + std::to_string(i + 1) + " (" +
               format_share(plan.steps[i].share) + ")";
  if (!quick.empty())
    all.push_back("without hold: " + quick + " passes as soon as " + std::to_string(plan.min_requests) +
                  " requests are seen and the gates agree");
  const Share last = plan.steps.back().share;
  if (last < kWhole)
    all.push_back("the plan ends at " + format_share(last) + ": '" + to +
                  "' keeps that share and does not become the stable pool");
  return all;
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
