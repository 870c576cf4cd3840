// What drives rollouts and unconfirmed changes: looks at each in turn, asks the pure engine what to do, and
// does it as a verb (G1). Sleeps while there is neither.
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/core/control_impl.hpp"
#include "control/core/replies.hpp"
#include "control/core/verify.hpp"
#include "control/rollout/moves.hpp"
#include "control/state/pending.hpp"

namespace sluice::core {
namespace {

using rollout::Act;
using state::RolloutPhase;
using std::chrono::milliseconds;

// Between two looks at the guards: with a publication it stays far below G6's 100 ms.
constexpr milliseconds kBeat{20};
constexpr milliseconds kAfterRefusal{1'000};

state::Result<state::Change> unchanged(const state::State& now) { return state::change_between(now, now); }

bool same(const state::Rollout& decided, const std::optional<state::Rollout>& now) {
  return now && now->id == decided.id && now->phase == decided.phase && now->step == decided.step &&
         now->step_began == decided.step_began;
}

Request by_the_rollout(const std::string& why) {
  Request request;
  request.actor.name = "rollout";
  request.options.reason = why;
  return request;
}

// What was decided was decided of this state; if it moved meanwhile, nothing is done.
Verb verb_for(const std::string& service, const state::Rollout& decided, const rollout::Decision& decision,
              std::vector<std::string> group) {
  Verb verb;
  verb.view = [group](const state::State& state) { return shares_json(state, group); };
  const auto act = decision.act;
  verb.without_disk = act == Act::go_back;
  verb.name = act == Act::go_back ? "rollout back" : act == Act::finish ? "rollout done" : "rollout step";
  verb.change = [service, decided, act, why = decision.why](const state::State& now) {
    const auto* kept = now.service(service);
    if (!kept || !same(decided, kept->rollout)) return unchanged(now);
    const auto time = unix_milliseconds();
    if (act == Act::go_back) return rollout::go_back(now, service, RolloutPhase::rolled_back, time, why);
    if (act == Act::finish) return rollout::finish(now, service, time, why);
    return rollout::advance(now, service, time, why);
  };
  return verb;
}

}  // namespace

asio::awaitable<void> Control::Impl::drive(std::shared_ptr<Impl> self) {
  while (!stopped) {
    const bool busy = co_await beat();
    const auto retained = co_await end_retentions();
    if (stopped) break;
    auto next = Clock::time_point::max();
    if (retained)
      next = Clock::now() + milliseconds(std::max<std::int64_t>(1, *retained - unix_milliseconds()));
    if (busy) next = Clock::now() + kBeat;
    co_await rollout_bell.wait_until(next);
  }
  self.reset();
}

// True while there is something to look at again soon.
asio::awaitable<bool> Control::Impl::beat() {
  std::vector<std::string> active;
  std::vector<std::uint64_t> overdue;
  bool waiting = false;
  for (const auto& service : state.services) {
    if (service.rollout && service.rollout->active()) active.push_back(service.name);
    if (!service.unconfirmed) continue;
    waiting = true;
    if (service.unconfirmed->deadline <= unix_milliseconds())
      overdue.push_back(service.unconfirmed->generation);
  }
  std::erase_if(watches, [this](const auto& entry) {
    const auto* kept = state.service(entry.first);
    return !kept || !kept->rollout || !kept->rollout->active();
  });
  if (!overdue.empty()) co_await revert(overdue.front());
  for (auto& name : active) co_await drive_one(name);
  co_return waiting || !active.empty();
}

asio::awaitable<void> Control::Impl::drive_one(std::string name) {
  const auto* kept = state.service(name);
  const route::Service* service = find_service(*snapshot, name);
  if (!kept || !kept->rollout || !kept->rollout->active() || !service || !service->guard) co_return;
  const state::Rollout rollout = *kept->rollout;
  auto& watch = watches[name];
  if (!watch || !watch->is_of(rollout)) watch = std::make_shared<RolloutWatch>(rollout, *service);
  const auto now = Clock::now();
  if (!watch->is_due(now) && !RolloutWatch::tripped(*service)) co_return;
  ask_outside(*watch);
  if (rollout.phase == RolloutPhase::verifying) begin_verify(name, rollout, *watch);
  const auto evidence = watch->look(rollout, *service, now);
  note(name, rollout, evidence);
  rollout::Decision decision = rollout::decide(rollout, evidence);
  watch->waits_for = decision.why;
  if (decision.act == Act::wait) co_return;
  co_await act(std::move(name), rollout, std::move(decision));
}

asio::awaitable<void> Control::Impl::act(std::string name, state::Rollout rollout,
                                         rollout::Decision decision) {
  Verb verb = verb_for(name, rollout, decision, rollout.group);
  Request request = by_the_rollout(decision.why);
  request.options.force = decision.act == Act::go_back;  // the way back is never refused (C7)
  const auto reply = co_await commit(std::move(request), std::move(verb));
  const auto watch = watches.find(name);
  if (!reply && watch != watches.end()) {
    watch->second->waits_for = reply.error().detail;
    watch->second->look_again_at(Clock::now() + kAfterRefusal);
  }
  if (!reply || !reply->changed) co_return;
  const auto& now = state.service(name)->rollout;
  const std::string text = "rollout " + now->text() + ": " + decision.why;
  if (decision.act == Act::go_back) spdlog::warn("{}: {}", name, text);
  events.add("rollout", name, text, {{"rollout", now->id}, {"generation", reply->generation}});
}

// G8, and what is worth an event.
void Control::Impl::note(const std::string& name, const state::Rollout& rollout,
                         const rollout::Evidence& evidence) {
  const state::Error error = judgements->write(name, rollout, unix_milliseconds(), evidence.judgements);
  if (error && !judgements_failed) spdlog::error("the judgements are not written: {}", error.message());
  judgements_failed = static_cast<bool>(error);
  auto& warned = warnings_of_gates[name];
  for (const auto& judgement : evidence.judgements) {
    if (!judgement.warn) {
      warned.erase(judgement.gate);
    } else if (warned.insert(judgement.gate).second) {
      spdlog::warn("{}: {}: {}", name, judgement.gate, judgement.why);
      events.add("warning", name, judgement.gate + " is above its warn limit: " + judgement.why,
                 rollout::to_json(judgement));
    }
  }
}

void Control::Impl::ask_outside(RolloutWatch& watch) {
  const auto now = Clock::now();
  for (const auto& gate : watch.outside()) {
    if (gate->asking || now < gate->next) continue;
    gate->asking = true;
    asio::co_spawn(loop, ask_one(gate), asio::detached);
  }
}

// The answer of a step that is over goes to a gate that nobody looks at any more.
asio::awaitable<void> Control::Impl::ask_one(std::shared_ptr<OutsideGate> gate) {
  config::GateSpec spec_of_gate = gate->gate;
  Environment environment = gate->environment;
  auto judgement = co_await ask(loop, resolver, std::move(spec_of_gate), std::move(environment));
  gate->last = std::move(judgement);
  gate->asking = false;
  gate->next = Clock::now() + gate->interval;
}

void Control::Impl::begin_verify(const std::string& name, const state::Rollout& rollout,
                                 RolloutWatch& watch) {
  if (watch.probing) return;
  watch.probing = true;
  watch.verified()->why = "the verify requests are under way";
  std::vector<VerifyTarget> targets;
  for (const route::Backend* backend : backends_of({name, rollout.to, ""}))
    if (backend->admin == observe::Admin::ready && !backend->endpoints.empty()) {
      const Watched* watched = board.find(backend->live->id);
      targets.push_back({backend->name, backend->authority, backend->good(), watched ? watched->tls : nullptr,
                         watched ? watched->proxy_protocol : ProxyVersion::off, backend->endpoints});
    }
  asio::co_spawn(loop, verify_all(loop, std::move(targets), rollout.plan.verify, watch.verified()),
                 asio::detached);
}

asio::awaitable<void> Control::Impl::revert(std::uint64_t generation) {
  Verb verb;
  verb.name = "revert";
  verb.without_disk = true;
  std::vector<std::string> services;
  for (const auto& service : state.services)
    if (service.unconfirmed && service.unconfirmed->generation == generation)
      services.push_back(service.name);
  verb.view = [services](const state::State& of) { return shares_json(of, services); };
  verb.change = [generation](const state::State& now) {
    return state::revert(now, generation, unix_milliseconds());
  };
  Request request;
  request.actor.name = "daemon";
  request.options.reason = "generation " + std::to_string(generation) + " was not confirmed in time";
  request.options.force = true;
  const auto reply = co_await commit(std::move(request), std::move(verb));
  if (reply && reply->changed) {
    spdlog::warn("generation {} was not confirmed in time and is taken back", generation);
    events.add("reverted", services.size() == 1 ? services.front() : "",
               "generation " + std::to_string(generation) + " was not confirmed in time and is taken back");
  }
}

std::optional<RolloutView> Control::Impl::rollout_view(const state::ServiceState& service) const {
  if (!service.rollout) return std::nullopt;
  RolloutView view;
  view.kept = *service.rollout;
  const auto found = watches.find(service.name);
  if (found == watches.end() || !found->second->is_of(view.kept)) return view;
  const auto& watch = *found->second;
  view.waits_for = watch.waits_for;
  view.in_step = watch.in_step(Clock::now());
  view.n_canary = watch.last().n_canary;
  view.n_stable = watch.last().n_stable;
  view.judgements = watch.last().judgements;
  return view;
}

}  // namespace sluice::core
