#include "control/change/proposals.hpp"

#include "control/change/committer.hpp"
#include "control/change/refusals.hpp"
#include "control/change/replies.hpp"
#include "control/change/targets.hpp"
#include "control/state/pending.hpp"
#include "control/state/traffic.hpp"
#include "control/state/walk.hpp"
#include "proxy/base/origin.hpp"

namespace sluice::change {

using protocol::Target;
using state::RolloutPhase;

namespace {

using Outcome = state::Result<state::Change>;

Proposal named(std::string verb) {
  Proposal made;
  made.verb = std::move(verb);
  return made;
}

// Unix milliseconds; nothing for 0, which is as long as it takes.
std::optional<std::int64_t> deadline_after(std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return std::nullopt;
  return unix_milliseconds() + timeout.count();
}

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
auto view_of_target(Target target) {
  return [target = std::move(target)](const state::State& state) { return target_json(state, target); };
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

worker::TunnelPolicy policy_of(const protocol::Websockets& wanted) {
  worker::TunnelPolicy policy;
  switch (wanted.kind) {
    case protocol::Websockets::Kind::wait:
      policy.kind = worker::TunnelPolicy::Kind::wait;
      break;
    case protocol::Websockets::Kind::spread:
      policy.kind = worker::TunnelPolicy::Kind::spread;
      break;
    case protocol::Websockets::Kind::now:
      policy.kind = worker::TunnelPolicy::Kind::now;
      break;
  }
  policy.window = wanted.window;
  return policy;
}

Proposal admin_proposal(const Planning& now, std::string verb, Target target, observe::Admin admin,
                        std::optional<std::int64_t> deadline = std::nullopt) {
  Proposal made = named(std::move(verb));
  made.view = view_of_target(target);
  made.change = [&resolver = now.resolver, target, admin, deadline](const state::State& state) -> Outcome {
    if (auto problem = missing_member(state, resolver, target)) return *problem;
    return state::set_admin(state, target, admin, deadline);
  };
  return made;
}

Proposal hold_proposal(std::string verb, std::string service,
                       std::function<Outcome(const state::State&)> change) {
  Proposal made = named(std::move(verb));
  made.view = [service = std::move(service)](const state::State& state) { return hold_json(state, service); };
  made.change = std::move(change);
  return made;
}

// The one service that `flag` can only mean when none is named; empty when that is not clear.
std::string service_of_flag(const state::State& state, const std::string& flag) {
  if (state.services.size() == 1) return state.services.front().name;
  std::string found;
  for (const auto& service : state.services) {
    if (!service.flag(flag)) continue;
    if (!found.empty()) return {};
    found = service.name;
  }
  return found;
}

// Why this address cannot be spoken to; a sentence in the change's notes when it is only not known yet.
std::optional<protocol::Problem> look_at_address(const Planning& now, const Target& target,
                                                 state::Change& change) {
  const auto& address =
      change.next.service(target.service)->pool(target.pool)->backend(target.backend)->address;
  const config::ServiceSpec* service = now.in_force.spec.service(target.service);
  const config::PoolSpec* pool = service ? service->pool(target.pool) : nullptr;
  if (pool && pool->tls && pool->tls->server_name.empty() && is_unix(address))
    return protocol::malformed(
        "pool '" + pool->name + "' speaks TLS and names no 'server_name', which a unix socket needs",
        "address");
  if (const std::string unresolved = now.resolver.error_of(address); !unresolved.empty())
    change.notes.push_back(to_string(target) + " is down until its name is known: it " + unresolved);
  return std::nullopt;
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
  if (start.plan.verify.empty() && start.plan.steps.front().mirror > 0) made.must_serve = start.services;
  made.change = [start = std::move(start)](const state::State& state) {
    return rollout::start(state, start, unix_milliseconds());
  };
  return made;
}

// --- backends

Proposal propose(const Planning& now, const Invocation&, protocol::Drain message) {
  Proposal made =
      admin_proposal(now, "drain", message.target, observe::Admin::draining, deadline_after(message.timeout));
  made.drain = DrainWish{message.target, policy_of(message.websockets), false};
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::Ready message) {
  return admin_proposal(now, "ready", std::move(message.target), observe::Admin::ready);
}

Proposal propose(const Planning& now, const Invocation& by, protocol::Maint message) {
  Proposal made = admin_proposal(now, "maint", message.target, observe::Admin::maint);
  if (by.options.force) return made;
  made.change = [target = message.target,
                 set = std::move(made.change)](const state::State& state) -> Outcome {
    if (auto problem = refuse_kept_back(state, target)) return *problem;
    return set(state);
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, protocol::Weight message) {
  Proposal made = named("weight");
  made.view = view_of_target(message.target);
  made.change = [message = std::move(message)](const state::State& state) -> Outcome {
    if (!message.weight) return protocol::malformed("'weight' is missing", "weight");
    return state::set_weight(state, message.target, *message.weight);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::Add message) {
  Proposal made = named("add");
  made.view = view_of_target(message.target);
  made.change = [now, message = std::move(message)](const state::State& state) -> Outcome {
    state::NewBackend wanted{message.address, std::nullopt};
    if (message.weight != protocol::Add().weight)
      wanted.weight = message.weight;  // else that of the removed one
    auto change = state::add_backend(state, message.target, wanted);
    if (!change || !change->changed) return change;
    if (auto problem = look_at_address(now, message.target, *change)) return *problem;
    return change;
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, protocol::Remove message) {
  Proposal made = named("remove");
  made.view = view_of_target(message.target);
  made.change = [target = std::move(message.target)](const state::State& state) {
    return state::remove_backend(state, target);
  };
  return made;
}

// --- what lies over a service's shares: pause, resume, stop (P1), flags (F1), mirror (M1)

Proposal propose(const Planning&, const Invocation&, protocol::Pause message) {
  return hold_proposal("pause", message.service, [message](const state::State& state) {
    return state::pause(state, message.service, message.max_hold, message.max_queue);
  });
}

Proposal propose(const Planning&, const Invocation&, protocol::Resume message) {
  return hold_proposal("resume", message.service, [message](const state::State& state) {
    return state::resume(state, message.service);
  });
}

Proposal propose(const Planning&, const Invocation&, protocol::Stop message) {
  return hold_proposal("stop", message.service, [message](const state::State& state) {
    return state::stop(state, message.service, message.message);
  });
}

Proposal propose(const Planning& now, const Invocation&, protocol::SetFlag message) {
  Proposal made = named("flag set");
  if (message.service.empty()) message.service = service_of_flag(now.in_force.state, message.flag);
  made.view = [flag = message.flag, service = message.service](const state::State& state) {
    return flag_json(state, flag, service);
  };
  made.change = [message = std::move(message)](const state::State& state) -> Outcome {
    if (message.service.empty())
      return protocol::malformed("of which service? name it: --service S ({\"service\":\"S\"})", "service");
    return state::set_flag(state, message.service, message.flag, message.share, message.config);
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, protocol::RemoveFlag message) {
  Proposal made = named("flag rm");
  made.view = [flag = message.flag, service = message.service](const state::State& state) {
    return flag_json(state, flag, service);
  };
  made.change = [message = std::move(message)](const state::State& state) {
    return state::remove_flag(state, message.flag, message.service);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::SetMirror message) {
  Proposal made = named("mirror");
  made.view = [service = message.service](const state::State& state) { return mirror_json(state, service); };
  const state::ServiceState* service = now.in_force.state.service(message.service);
  if (service && !message.to.empty() && message.to == service->stable())
    made.notes.push_back(message.to + " is the stable pool of " + message.service +
                         ": what it serves itself is not copied, only what goes to the other pools");
  made.change = [message = std::move(message)](const state::State& state) {
    std::optional<route::Mirror> wanted;
    if (!message.to.empty()) wanted = route::Mirror{message.to, message.share, message.safe_only};
    auto change = state::set_mirror(state, message.service, wanted);
    if (!change) return change;
    const auto& rollout = state.service(message.service)->rollout;
    if (rollout && rollout->phase == RolloutPhase::running && rollout->current().mirror > 0)
      change->notes.push_back("the rollout " + rollout->text() +
                              " mirrors now; this is in force when that step is over");
    return change;
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation& by, protocol::ClearMirror message) {
  protocol::SetMirror off;
  off.service = std::move(message.service);
  return propose(now, by, std::move(off));
}

}  // namespace sluice::change
