// What drives rollouts and unconfirmed changes: looks at each in turn, asks the pure engine what to do, and
// does it as a verb (G1). Sleeps while there is neither.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/rollout/transitions.hpp"
#include "control/state/pending.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

using rollout::Act;
using state::RolloutPhase;
using std::chrono::milliseconds;

// Between two looks at the breakers: with a publication it stays far below G6's 100 ms.
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

// What was decided was decided of these; if one of them moved meanwhile, nothing is done.
bool all_same(const std::vector<Driven>& decided, const state::State& now) {
  return std::all_of(decided.begin(), decided.end(), [&now](const Driven& one) {
    const auto* kept = now.service(one.name);
    return kept && same(one.rollout, kept->rollout);
  });
}

Verb verb_for(const std::vector<Driven>& group, const rollout::Together& together) {
  Verb verb;
  std::vector<std::string> names;
  for (const auto& one : group) names.push_back(one.name);
  verb.view = [names](const state::State& state) { return shares_json(state, names); };
  const auto act = together.decision.act;
  verb.without_disk = act == Act::go_back;
  verb.name = act == Act::go_back ? "rollout back" : act == Act::finish ? "rollout done" : "rollout step";
  verb.change = [group, act, service = together.service,
                 why = together.decision.why](const state::State& now) {
    if (!all_same(group, now)) return unchanged(now);
    const auto time = unix_milliseconds();
    if (act == Act::go_back) return rollout::go_back(now, service, RolloutPhase::rolled_back, time, why);
    return rollout::advance(now, service, time, why);  // from the last step to the end
  };
  return verb;
}

// Active rollouts by what was started together.
std::map<std::uint64_t, std::vector<std::string>> groups_in(const state::State& now) {
  std::map<std::uint64_t, std::vector<std::string>> groups;
  for (const auto& service : now.services)
    if (service.rollout && service.rollout->active()) groups[service.rollout->id].push_back(service.name);
  return groups;
}

}  // namespace

asio::awaitable<void> Control::Impl::drive(std::shared_ptr<Impl> self) {
  while (!stopped) {
    const bool busy = co_await beat();
    const auto retained = co_await end_retentions();
    if (stopped) break;
    auto next = io::Clock::time_point::max();
    if (retained)
      next = io::Clock::now() + milliseconds(std::max<std::int64_t>(1, *retained - unix_milliseconds()));
    if (busy) next = io::Clock::now() + kBeat;
    co_await rollout_wakeup.wait_until(next);
  }
  self.reset();
}

// True while there is something to look at again soon.
asio::awaitable<bool> Control::Impl::beat() {
  const auto groups = groups_in(state);
  std::vector<std::uint64_t> overdue;
  bool waiting = false;
  for (const auto& service : state.services) {
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
  for (const auto& [id, names] : groups) co_await drive_group(names);
  co_return waiting || !groups.empty();
}

asio::awaitable<void> Control::Impl::drive_group(std::vector<std::string> names) {
  const auto group = driven(names);
  const auto now = io::Clock::now();
  const bool due = std::any_of(group.begin(), group.end(), [&](const Driven& one) {
    return one.watch->is_due(now) ||
           rollout_driver::RolloutWatch::tripped(*find_service(*snapshot, one.name), one.rollout);
  });
  if (!due || group.size() < names.size()) co_return;
  std::vector<rollout::Member> members;
  for (const auto& one : group) members.push_back({one.name, look_at(one, now)});
  auto together = rollout::decide_together(members);
  if (const auto left = left_the_group(group.front().rollout); !left.empty())
    together = {group.front().name, {Act::go_back, left}};
  if (together.decision.act == Act::wait) {
    for (const auto& one : group)
      if (one.name != together.service) one.watch->waits_for = together.decision.why;
    co_return;
  }
  co_await act(group, std::move(together));
}

// With what watches them; fewer when one cannot be watched yet.
std::vector<Driven> Control::Impl::driven(const std::vector<std::string>& names) {
  std::vector<Driven> group;
  for (const auto& name : names) {
    const auto* kept = state.service(name);
    const route::Service* service = find_service(*snapshot, name);
    if (!kept || !kept->rollout || !kept->rollout->active() || !service || !service->breaker) continue;
    auto& watch = watches[name];
    if (!watch || !watch->is_of(*kept->rollout))
      watch = std::make_shared<rollout_driver::RolloutWatch>(*kept->rollout, *service);
    group.push_back({name, *kept->rollout, watch});
  }
  return group;
}

// One that a reload ended, or that is gone from the configuration, takes the others back (C6). One that was
// done before the others stays what it is.
std::string Control::Impl::left_the_group(const state::Rollout& rollout) const {
  for (const auto& name : rollout.group) {
    const auto* service = state.service(name);
    if (!service) return "service " + name + ", which moved in step with it, is gone from the configuration";
    const auto& other = service->rollout;
    const bool mine = other && other->id == rollout.id;
    if (mine && (other->active() || other->phase == RolloutPhase::done)) continue;
    return "service " + name + " does not move in step with it any more" +
           (mine ? ", its rollout " + other->text() + ": " + other->why : std::string());
  }
  return {};
}

rollout::Decision Control::Impl::look_at(const Driven& one, io::Clock::time_point now) {
  const route::Service& service = *find_service(*snapshot, one.name);
  ask_outside(*one.watch);
  if (one.rollout.phase == RolloutPhase::verifying) begin_verify(one.name, one.rollout, *one.watch);
  const auto evidence = one.watch->look(one.rollout, service, now);
  note(one.name, one.rollout, evidence);
  auto decision = rollout::decide(one.rollout, evidence);
  one.watch->waits_for = decision.why;
  return decision;
}

asio::awaitable<void> Control::Impl::act(std::vector<Driven> group, rollout::Together together) {
  Verb verb = verb_for(group, together);
  const bool back = together.decision.act == Act::go_back;
  Request request = by_the_rollout(together.decision.why);
  request.options.force = back;  // the way back is never refused (C7)
  const auto reply = co_await commit(std::move(request), std::move(verb));
  if (!reply)
    for (const auto& one : group) {
      one.watch->waits_for = reply.error().detail;
      one.watch->look_again_at(io::Clock::now() + kAfterRefusal);
    }
  if (!reply || !reply->changed) co_return;
  for (const auto& one : group) {
    const auto* kept = state.service(one.name);
    if (!kept || !kept->rollout) continue;
    const auto& now = *kept->rollout;
    const std::string text = "rollout " + now.text() + ": " + (back ? now.why : together.decision.why);
    if (back) spdlog::warn("{}: {}", one.name, text);
    events.add("rollout", one.name, text, {{"rollout", now.id}, {"generation", reply->generation}});
  }
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

void Control::Impl::ask_outside(rollout_driver::RolloutWatch& watch) {
  const auto now = io::Clock::now();
  for (const auto& gate : watch.outside()) {
    if (gate->asking || now < gate->next) continue;
    gate->asking = true;
    asio::co_spawn(loop, ask_one(gate), asio::detached);
  }
}

// The answer of a step that is over goes to a gate that nobody looks at any more: what was asked before a
// step began is never its evidence (G9).
asio::awaitable<void> Control::Impl::ask_one(std::shared_ptr<rollout_driver::OutsideGate> gate) {
  const rollout_driver::Question question = question_of(*gate, io::Clock::now(), unix_milliseconds());
  rollout::Judgement answer = judgement_of(*gate);
  if (question.gate) {
    config::GateSpec asked = *question.gate;
    io::Environment environment = gate->environment;
    auto work = rollout_driver::ask(loop, resolver, std::move(asked), std::move(environment));
    answer = co_await std::move(work);
  }
  gate->last = as_evidence(question, std::move(answer));
  gate->asking = false;
  gate->next = next_question(*gate, question, io::Clock::now());
}

void Control::Impl::begin_verify(const std::string& name, const state::Rollout& rollout,
                                 rollout_driver::RolloutWatch& watch) {
  if (watch.probing) return;
  watch.probing = true;
  watch.verified()->why = "the checks before the first user are under way";
  rollout_driver::Verification wanted = verification_of(name, rollout.to, rollout.plan.verify);
  asio::co_spawn(loop, verify_into(loop, std::move(wanted), watch.verified()), asio::detached);
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
  view.service = service.name;
  view.kept = *service.rollout;
  const auto found = watches.find(service.name);
  if (found == watches.end() || !found->second->is_of(view.kept)) return view;
  const auto& watch = *found->second;
  view.waits_for = watch.waits_for;
  view.in_step = watch.in_step(io::Clock::now());
  view.n_canary = watch.last().n_canary;
  view.n_stable = watch.last().n_stable;
  view.judgements = watch.last().judgements;
  return view;
}

// As above, and how those fare that move in step with it.
std::optional<RolloutView> Control::Impl::rollout_of_group(const state::ServiceState& service) const {
  auto view = rollout_view(service);
  if (!view || !view->kept.active()) return view;
  for (const auto& other : state.services) {
    if (other.name == service.name || !other.rollout || other.rollout->id != view->kept.id) continue;
    view->others.push_back(*rollout_view(other));
  }
  return view;
}

}  // namespace sluice::change
