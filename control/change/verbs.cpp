// The verbs: each is a pure change of the state, and how the reply shows it.
#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/rollout/transitions.hpp"
#include "control/state/pending.hpp"
#include "control/state/walk.hpp"
#include "proxy/base/origin.hpp"

namespace sluice::change {
namespace {

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
auto view_of_target(Target target) {
  return [target = std::move(target)](const state::State& state) { return target_json(state, target); };
}

std::vector<std::string> names_of(const protocol::StringPairs& pairs) {
  std::vector<std::string> names;
  for (const auto& [name, value] : pairs) names.push_back(name);
  return names;
}

// C8, when it was asked for.
state::Result<state::Change> to_be_confirmed(const state::State& now, state::Result<state::Change> change,
                                             std::optional<std::chrono::milliseconds> within) {
  if (change && change->changed && within)
    state::ask_for_confirmation(now, *change, unix_milliseconds() + within->count());
  return change;
}

// How long each service's pools are kept that a shift leaves.
using Retention = std::vector<std::pair<std::string, std::chrono::milliseconds>>;
state::Result<state::Change> retained(const state::State& now, state::Result<state::Change> change,
                                      const Retention& retention) {
  if (change)
    for (const auto& [service, how_long] : retention)
      state::retain_what_was_left(now, *change, service, how_long, unix_milliseconds());
  return change;
}

state::Asked asked_by(const Request& request) {
  return {to_string(request.actor), unix_milliseconds(), request.options.force};
}

std::vector<std::string> all_services(const state::State& state) {
  std::vector<std::string> names;
  for (const auto& service : state.services) names.push_back(service.name);
  return names;
}

}  // namespace

std::chrono::milliseconds Control::Impl::retain_of(const std::string& service) const {
  const auto* configured = spec.service(service);
  return configured ? configured->retain : std::chrono::milliseconds(0);
}

Verb Control::Impl::split_verb(protocol::Split message) {
  Verb verb;
  verb.name = "split";
  verb.view = view_of_service(message.service);
  const Retention retain{{message.service, retain_of(message.service)}};
  verb.change = [message, retain](const state::State& now) {
    auto change = state::split(now, message.service, message.shares, message.rest);
    change = retained(now, std::move(change), retain);
    return to_be_confirmed(now, std::move(change), message.confirm_within);
  };
  return verb;
}

Verb Control::Impl::cutover_verb(protocol::Cutover message) {
  Verb verb;
  verb.name = "cutover";
  verb.view = view_of_services(names_of(message.services));
  Retention retain;
  for (const auto& [name, pool] : message.services)
    retain.emplace_back(name, message.retain.value_or(retain_of(name)));
  verb.change = [services = message.services, retain = std::move(retain),
                 within = message.confirm_within](const state::State& now) {
    auto change = state::cutover(now, services);
    change = retained(now, std::move(change), retain);
    return to_be_confirmed(now, std::move(change), within);
  };
  return verb;
}

Verb Control::Impl::rollback_verb(protocol::Rollback message) {
  Verb verb;
  verb.name = "rollback";
  verb.without_disk = true;
  const auto touched = rollout::with_group(state, message.services);
  if (touched.size() == 1)
    verb.view = view_of_service(touched.front());
  else
    verb.view = view_of_services(touched);
  // Services whose rollouts move in step go back in one generation (C6).
  verb.change = [services = message.services](const state::State& now) {
    return state::rollback(now, rollout::with_group(now, services), unix_milliseconds());
  };
  return verb;
}

Verb Control::Impl::undo_verb(const Request& request, protocol::Undo message) {
  Verb verb;
  verb.name = "undo";
  verb.without_disk = true;
  verb.view = view_of_services(all_services(state));
  verb.change = [this, message, asked = asked_by(request)](const state::State& now) {
    return message.to_generation ? state::undo_to(now, store->history(), *message.to_generation, asked)
                                 : state::undo(now, store->history(), asked);
  };
  return verb;
}

Verb Control::Impl::redo_verb(const Request& request) {
  Verb verb;
  verb.name = "redo";
  verb.view = view_of_services(all_services(state));
  verb.change = [this, asked = asked_by(request)](const state::State& now) {
    return state::redo(now, store->history(), asked);
  };
  return verb;
}

asio::awaitable<void> Control::Impl::resolve_for(const Verb& verb) {
  const auto change = verb.change(state);
  if (!change) co_return;
  auto addresses = addresses_of(change->next);
  co_await resolver.resolve(std::move(addresses));
}

Verb Control::Impl::drain_verb(Target target, std::chrono::milliseconds timeout,
                               protocol::Websockets websockets, bool removing) {
  Verb verb;
  verb.name = removing ? "remove" : "drain";
  verb.view = view_of_target(target);
  verb.change = [this, target, deadline = deadline_after(timeout)](
                    const state::State& now) -> state::Result<state::Change> {
    if (auto problem = missing_member(target)) return *problem;
    return state::set_admin(now, target, observe::Admin::draining, deadline);
  };
  verb.drain = DrainWish{target, policy_of(websockets), removing};
  return verb;
}

Verb Control::Impl::admin_verb(std::string name, Target target, observe::Admin admin) {
  Verb verb;
  verb.name = std::move(name);
  verb.view = view_of_target(target);
  verb.change = [this, target, admin](const state::State& now) -> state::Result<state::Change> {
    if (auto problem = missing_member(target)) return *problem;
    return state::set_admin(now, target, admin);
  };
  return verb;
}

Verb Control::Impl::weight_verb(protocol::Weight message) {
  Verb verb;
  verb.name = "weight";
  verb.view = view_of_target(message.target);
  verb.change = [message](const state::State& now) -> state::Result<state::Change> {
    if (!message.weight) return protocol::malformed("'weight' is missing", "weight");
    return state::set_weight(now, message.target, *message.weight);
  };
  return verb;
}

Verb Control::Impl::add_verb(protocol::Add message) {
  Verb verb;
  verb.name = "add";
  verb.view = view_of_target(message.target);
  verb.change = [this, message](const state::State& now) -> state::Result<state::Change> {
    state::NewBackend wanted{message.address, std::nullopt};
    if (message.weight != protocol::Add().weight)
      wanted.weight = message.weight;  // else that of the removed one
    auto change = state::add_backend(now, message.target, wanted);
    if (!change || !change->changed) return change;
    const auto* added = change->next.service(message.target.service)
                            ->pool(message.target.pool)
                            ->backend(message.target.backend);
    const config::ServiceSpec* service = spec.service(message.target.service);
    const config::PoolSpec* pool = service ? service->pool(message.target.pool) : nullptr;
    if (pool && pool->tls && pool->tls->server_name.empty() && is_unix(added->address))
      return protocol::malformed(
          "pool '" + pool->name + "' speaks TLS and names no 'server_name', which a unix socket needs",
          "address");
    if (const std::string unresolved = resolver.error_of(added->address); !unresolved.empty())
      change->notes.push_back(to_string(message.target) + " is down until its name is known: it " +
                              unresolved);
    return change;
  };
  return verb;
}

std::optional<Problem> Control::Impl::kept_back(const Target& target) const {
  const auto* service = state.service(target.service);
  if (!service || !service->pool(target.pool)) return std::nullopt;
  const auto kept = rollout::kept_for_rollback(*service, target.pool, unix_milliseconds());
  if (kept.empty()) return std::nullopt;
  return protocol::refused(protocol::to_string(target) + " stays: " + kept,
                           "repeat it with --force if there is to be no way back");
}

Verb Control::Impl::remove_verb(Target target) {
  Verb verb;
  verb.name = "remove";
  verb.view = view_of_target(target);
  verb.change = [target](const state::State& now) { return state::remove_backend(now, target); };
  return verb;
}

// --- what awaits them

asio::awaitable<Result<Changed>> Control::split(Request request, protocol::Split message) {
  const auto self = impl_;
  Verb verb = self->split_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::rollback(Request request, protocol::Rollback message) {
  const auto self = impl_;
  Verb verb = self->rollback_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::undo(Request request, protocol::Undo message) {
  const auto self = impl_;
  Verb verb = self->undo_verb(request, std::move(message));
  co_await self->resolve_for(verb);
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::redo(Request request, protocol::Redo) {
  const auto self = impl_;
  Verb verb = self->redo_verb(request);
  co_await self->resolve_for(verb);
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::maint(Request request, Target target) {
  const auto self = impl_;
  if (auto problem = self->kept_back(target); problem && !request.options.force)
    co_return self->refuse(request, "maint", std::move(*problem));
  Verb verb = self->admin_verb("maint", std::move(target), observe::Admin::maint);
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::weight(Request request, protocol::Weight message) {
  const auto self = impl_;
  Verb verb = self->weight_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::reload(Request request) {
  const auto self = impl_;
  co_return co_await self->reload(std::move(request));
}

}  // namespace sluice::change
