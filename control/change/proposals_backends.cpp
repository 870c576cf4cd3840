// Proposals of backends: drain, ready, maint, weight, add, remove.
#include "control/change/proposals.hpp"
#include "control/change/refusals.hpp"
#include "control/change/replies.hpp"
#include "control/change/targets.hpp"
#include "proxy/base/origin.hpp"

namespace sluice::change {

using protocol::Target;

namespace {

using Outcome = state::Result<state::Change>;

// Unix milliseconds; nothing for 0, which is as long as it takes.
std::optional<std::int64_t> deadline_after(std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return std::nullopt;
  return unix_milliseconds() + timeout.count();
}

auto view_of_target(Target target) {
  return [target = std::move(target)](const state::State& state) { return target_json(state, target); };
}

worker::TunnelPolicy policy_of(const protocol::Websockets& wanted) {
  worker::TunnelPolicy policy;
  switch (wanted.kind) {
    case protocol::Websockets::Kind::wait:
    case protocol::Websockets::Kind::paced:  // control says when each of them ends
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

Proposal propose(const Planning& now, const Invocation&, protocol::Drain message) {
  Proposal made =
      admin_proposal(now, "drain", message.target, observe::Admin::draining, deadline_after(message.timeout));
  made.drain = DrainWish{message.target, policy_of(message.websockets), false, message.websockets.rate};
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

}  // namespace sluice::change
