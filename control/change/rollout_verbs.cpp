// The operator's verbs on rollouts, and `confirm`.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/rollout/plan.hpp"
#include "control/rollout/transitions.hpp"
#include "control/state/pending.hpp"
#include "proxy/config/gate_files.hpp"

namespace sluice::change {
namespace {

using protocol::RolloutAct;
using state::RolloutPhase;

auto view_of(std::vector<std::string> services) {
  return [services = std::move(services)](const state::State& state) {
    return services.size() == 1 ? shares_json(state, services.front()) : shares_json(state, services);
  };
}

std::string reason_of(const Request& request, const std::string& word) {
  std::string text = word + " by " + to_string(request.actor);
  return request.options.reason.empty() ? text : text + ": " + request.options.reason;
}

state::Result<state::Change> acted(const state::State& now, const RolloutAct& message, const std::string& why,
                                   const std::string& by) {
  const auto time = unix_milliseconds();
  const auto& name = message.service;
  switch (message.action) {
    case RolloutAct::Action::pause:
      return rollout::set_paused(now, name, true, time);
    case RolloutAct::Action::resume:
      return rollout::set_paused(now, name, false, time);
    case RolloutAct::Action::promote:
      return message.full ? rollout::jump(now, name, time, why) : rollout::advance(now, name, time, why);
    case RolloutAct::Action::abort:
      return rollout::go_back(now, name, RolloutPhase::aborted, time, why, "rollout abort by " + by);
  }
  return protocol::internal("an action without a meaning");
}

// Those that were started together act together.
std::vector<std::string> touched(const state::State& state, const RolloutAct& message) {
  return rollout::with_group(state, {message.service});
}

// C5 also before the first share: a step of 0 % judges copies, which somebody has to answer.
void serve_the_first_step(Verb& verb, const rollout::Start& start) {
  if (start.plan.verify.empty() && start.plan.steps.front().mirror > 0) verb.must_serve = start.services;
}

void add_notes(Changed& reply, const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  json::array& list =
      reply.more["notes"].is_array() ? reply.more["notes"].as_array() : reply.more["notes"].emplace_array();
  for (const auto& note : notes) list.emplace_back(note);
}

std::vector<std::string> notes_on(const rollout::Start& start) {
  auto notes = rollout::remarks(start.plan, start.services.front().second);
  const std::string command = "sluicectl rollout status " + start.services.front().first;
  if (!start.plan.verify.empty())
    notes.push_back("the first step begins when the checks have passed: " + command + " --follow");
  return notes;
}

}  // namespace

std::optional<Problem> own_commands(const Actor& actor, const config::PlanSpec& own) {
  const bool admin = actor.role >= config::Role::admin;
  const auto runs = [](const auto& one) { return !one.exec.empty(); };
  if (!admin && (std::ranges::any_of(own.gates, runs) || std::ranges::any_of(own.verify, runs)))
    return protocol::forbidden("a command of one's own (exec) needs the role admin: the daemon would run it",
                               "a plan of the configuration may have it");
  for (const auto& gate : own.gates)
    if (!(gate.reach == config::ReachSpec{}) && !admin)
      return protocol::forbidden(
          "files of one's own (ca, password_file, bearer_file) need the role admin: the daemon would read "
          "them",
          "a plan of the configuration may have them");
  const auto complaints = config::check_gate_files(own, "the plan", config::FileNames::whole);
  if (complaints.empty()) return std::nullopt;
  return protocol::invalid_config(complaints.front().text());
}

Verb Control::Impl::start_verb(rollout::Start start) {
  Verb verb;
  verb.name = "rollout start";
  std::vector<std::string> names;
  for (const auto& [service, pool] : start.services) names.push_back(service);
  verb.view = view_of(std::move(names));
  serve_the_first_step(verb, start);
  verb.change = [start = std::move(start)](const state::State& now) {
    return rollout::start(now, start, unix_milliseconds());
  };
  return verb;
}

Verb Control::Impl::confirm_verb(protocol::Confirm message) {
  Verb verb;
  verb.name = "confirm";
  verb.view = view_of(message.services);
  verb.change = [services = message.services](const state::State& now) {
    return state::confirm(now, services);
  };
  return verb;
}

// --- Control

asio::awaitable<Result<Changed>> Control::rollout_start(Request request, protocol::RolloutStart message) {
  const auto self = impl_;
  auto plan = rollout::plan_of(message, self->spec.plans);
  if (!plan) co_return self->refuse(request, "rollout start", plan.error());
  config::PlanSpec own = *plan;
  if (!message.plan.empty()) {
    own.gates.clear();
    own.verify = *rollout::checks_of(message.checks);
  }
  if (auto problem = own_commands(request.actor, own))
    co_return self->refuse(request, "rollout start", std::move(*problem));
  request.options.force = request.options.force || message.force;
  rollout::Start start;
  start.services = services_of(message);
  start.plan = std::move(*plan);
  start.by = to_string(request.actor);
  start.supersede = message.supersede;
  auto notes = notes_on(start);
  if (request.options.dry_run && !start.plan.verify.empty())
    for (const auto& [service, pool] : start.services)
      for (auto& sentence : told(self->verification_of(service, pool, start.plan.verify)))
        notes.push_back(std::move(sentence));
  Verb verb = self->start_verb(std::move(start));
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  if (reply) add_notes(*reply, notes);
  co_return reply;
}

asio::awaitable<Result<Changed>> Control::rollout_act(Request request, RolloutAct message) {
  const auto self = impl_;
  Verb verb;
  verb.name = "rollout " + to_string(message.action);
  verb.without_disk = message.action == RolloutAct::Action::abort;
  verb.view = view_of(touched(self->state, message));
  const std::string word = message.action == RolloutAct::Action::abort ? "aborted" : "promoted";
  verb.change = [message, why = reason_of(request, word), by = to_string(request.actor)](
                    const state::State& now) { return acted(now, message, why, by); };
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::confirm(Request request, protocol::Confirm message) {
  const auto self = impl_;
  Verb verb = self->confirm_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

Result<RolloutView> Control::rollout(const std::string& service) const {
  if (auto problem = state::missing_service(impl_->state, service)) return *problem;
  auto view = impl_->rollout_of_group(*impl_->state.service(service));
  if (view) return *view;
  return protocol::not_found("service '" + service + "' never had a rollout",
                             "sluicectl rollout --help says how to start one");
}

}  // namespace sluice::change
