// Proposals of shares and rollouts. Those of backends are in proposals_backends.cpp, those of pauses, flags
// and mirrors in proposals_traffic.cpp.
#include "control/change/proposals.hpp"

#include "control/change/committer.hpp"
#include "control/change/replies.hpp"
#include "control/state/pending.hpp"
#include "control/state/walk.hpp"

namespace sluice::change {

using state::RolloutPhase;

namespace {

using Outcome = state::Result<state::Change>;

auto view_of_service(std::string service) {
  return [service = std::move(service)](const state::State& state) { return shares_json(state, service); };
}
auto view_of_services(std::vector<std::string> services) {
  return [services = std::move(services)](const state::State& state) { return shares_json(state, services); };
}
// Of one service its shares, of several an object by service.
auto view_of(std::vector<std::string> services) {
  return [services = std::move(services)](const state::State& state) {
    return services.size() == 1 ? shares_json(state, services.front()) : shares_json(state, services);
  };
}
std::vector<std::string> names_of(const protocol::StringPairs& pairs) {
  std::vector<std::string> names;
  for (const auto& [name, value] : pairs) names.push_back(name);
  return names;
}

std::vector<std::string> all_services(const state::State& state) {
  std::vector<std::string> names;
  for (const auto& service : state.services) names.push_back(service.name);
  return names;
}

// C8, when it was asked for.
Outcome to_be_confirmed(const state::State& now, Outcome change,
                        std::optional<std::chrono::milliseconds> within) {
  if (change && change->changed && within)
    state::ask_for_confirmation(now, *change, unix_milliseconds() + within->count());
  return change;
}

// How long each service's pools are kept that a shift leaves.
using Retention = std::vector<std::pair<std::string, std::chrono::milliseconds>>;
Outcome retained(const state::State& now, Outcome change, const Retention& retention) {
  if (change)
    for (const auto& [service, how_long] : retention)
      state::retain_what_was_left(now, *change, service, how_long, unix_milliseconds());
  return change;
}

std::chrono::milliseconds retain_of(const config::Spec& spec, const std::string& service) {
  const auto* configured = spec.service(service);
  return configured ? configured->retain : std::chrono::milliseconds(0);
}

state::Asked asked_by(const Invocation& by) {
  return {to_string(by.actor), unix_milliseconds(), by.options.force};
}

std::string reason_of(const Invocation& by, const std::string& word) {
  std::string text = word + " by " + to_string(by.actor);
  return by.options.reason.empty() ? text : text + ": " + by.options.reason;
}

Outcome acted(const state::State& now, const protocol::RolloutAct& message, const std::string& why,
              const std::string& by) {
  const auto time = unix_milliseconds();
  const auto& name = message.service;
  switch (message.action) {
    case protocol::RolloutAct::Action::pause:
      return rollout::set_paused(now, name, true, time);
    case protocol::RolloutAct::Action::resume:
      return rollout::set_paused(now, name, false, time);
    case protocol::RolloutAct::Action::promote:
      return message.full ? rollout::jump(now, name, time, why) : rollout::advance(now, name, time, why);
    case protocol::RolloutAct::Action::abort:
      return rollout::go_back(now, name, RolloutPhase::aborted, time, why, "rollout abort by " + by);
  }
  return protocol::internal("an action without a meaning");
}

}  // namespace

// --- shares

Proposal propose(const Planning& now, const Invocation&, protocol::Split message) {
  Proposal made = named("split");
  made.view = view_of_service(message.service);
  const Retention retain{{message.service, retain_of(now.in_force.spec, message.service)}};
  made.change = [message = std::move(message), retain](const state::State& state) {
    auto change = state::split(state, message.service, message.shares, message.rest);
    change = retained(state, std::move(change), retain);
    return to_be_confirmed(state, std::move(change), message.confirm_within);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::Cutover message) {
  Proposal made = named("cutover");
  made.view = view_of_services(names_of(message.services));
  Retention retain;
  for (const auto& [name, pool] : message.services)
    retain.emplace_back(name, message.retain.value_or(retain_of(now.in_force.spec, name)));
  made.change = [services = std::move(message.services), retain = std::move(retain),
                 within = message.confirm_within](const state::State& state) {
    auto change = state::cutover(state, services);
    change = retained(state, std::move(change), retain);
    return to_be_confirmed(state, std::move(change), within);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::Rollback message) {
  Proposal made = named("rollback");
  made.without_disk = true;
  made.view = view_of(rollout::with_group(now.in_force.state, message.services));
  // Services whose rollouts move in step go back in one generation (C6).
  made.change = [services = std::move(message.services)](const state::State& state) {
    return state::rollback(state, rollout::with_group(state, services), unix_milliseconds());
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation& by, protocol::Undo message) {
  Proposal made = named("undo");
  made.without_disk = true;
  made.resolve_first = true;
  made.view = view_of_services(all_services(now.in_force.state));
  made.change = [&committer = now.committer, message, asked = asked_by(by)](const state::State& state) {
    return message.to_generation ? state::undo_to(state, committer.history(), *message.to_generation, asked)
                                 : state::undo(state, committer.history(), asked);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation& by, protocol::Redo) {
  Proposal made = named("redo");
  made.resolve_first = true;
  made.view = view_of_services(all_services(now.in_force.state));
  made.change = [&committer = now.committer, asked = asked_by(by)](const state::State& state) {
    return state::redo(state, committer.history(), asked);
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, protocol::Confirm message) {
  Proposal made = named("confirm");
  made.view = view_of(message.services);
  made.change = [services = std::move(message.services)](const state::State& state) {
    return state::confirm(state, services);
  };
  return made;
}

// --- rollouts

Proposal propose(const Planning& now, const Invocation& by, protocol::RolloutAct message) {
  const bool abort = message.action == protocol::RolloutAct::Action::abort;
  Proposal made = named("rollout " + to_string(message.action));
  made.without_disk = abort;
  // Those that were started together act together.
  made.view = view_of(rollout::with_group(now.in_force.state, {message.service}));
  made.change = [message = std::move(message), why = reason_of(by, abort ? "aborted" : "promoted"),
                 who = to_string(by.actor)](const state::State& state) {
    return acted(state, message, why, who);
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, rollout::Start start) {
  Proposal made = named("rollout start");
  made.view = view_of(names_of(start.services));
  // C5 also before the first share: a step of 0 % judges copies, which somebody has to answer.
  if (!start.plan.begins_with_checks() && start.plan.steps.front().mirror > 0)
    made.must_serve = start.services;
  made.change = [start = std::move(start)](const state::State& state) {
    return rollout::start(state, start, unix_milliseconds());
  };
  return made;
}

}  // namespace sluice::change
