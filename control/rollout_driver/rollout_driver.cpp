#include "control/rollout_driver/rollout_driver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "control/rollout_driver/verify.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::rollout_driver {

namespace asio = boost::asio;
namespace json = boost::json;
using rollout::Act;
using state::RolloutPhase;
using std::chrono::milliseconds;

namespace {

// Between two looks at the breakers: with a publication it stays far below G6's 100 ms.
constexpr milliseconds kTick{20};
constexpr milliseconds kAfterRefusal{1'000};

std::int64_t unix_milliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

bool same(const state::Rollout& decided, const std::optional<state::Rollout>& now) {
  return now && now->id == decided.id && now->phase == decided.phase && now->step == decided.step &&
         now->step_began == decided.step_began;
}

// The services of active rollouts, in groups that were started together.
std::map<std::uint64_t, std::vector<std::string>> groups_in(const state::State& now) {
  std::map<std::uint64_t, std::vector<std::string>> groups;
  for (const auto& service : now.services)
    if (service.rollout && service.rollout->active()) groups[service.rollout->id].push_back(service.name);
  return groups;
}

// A service whose rollout a reload ended, or that is gone from the configuration, takes the others back (C6).
// A service that was done before the others stays what it is.
std::string left_the_group(const state::State& now, const state::Rollout& rollout) {
  for (const auto& name : rollout.group) {
    const auto* service = now.service(name);
    if (!service) return "service " + name + ", which moved in step with it, is gone from the configuration";
    const auto& other = service->rollout;
    const bool mine = other && other->id == rollout.id;
    if (mine && (other->active() || other->phase == RolloutPhase::done)) continue;
    return "service " + name + " does not move in step with it any more" +
           (mine ? ", its rollout " + other->text() + ": " + other->why : std::string());
  }
  return {};
}

}  // namespace

RolloutDriver::RolloutDriver(asio::any_io_executor loop, Host& host, io::Resolver& resolver,
                             io::Background& background)
    : loop_(loop), host_(host), resolver_(resolver), background_(background), wakeup_(loop) {}

void RolloutDriver::reopen_log() {
  if (judgements_) judgements_->reopen();
}

asio::awaitable<void> RolloutDriver::run() {
  while (!stopped_) {
    const bool busy = co_await tick();
    if (stopped_) break;
    const auto next = busy ? io::Clock::now() + kTick : io::Clock::time_point::max();
    co_await wakeup_.wait_until(next);
  }
}

void RolloutDriver::stop() {
  stopped_ = true;
  wakeup_.notify();
}

const RolloutWatch* RolloutDriver::watch_of(const std::string& service, const state::Rollout& rollout) const {
  const auto found = watches_.find(service);
  return found != watches_.end() && found->second->is_of(rollout) ? found->second.get() : nullptr;
}

// True while there is something to look at again soon.
asio::awaitable<bool> RolloutDriver::tick() {
  std::erase_if(watches_, [this](const auto& entry) {
    const auto* kept = host_.state().service(entry.first);
    return !kept || !kept->rollout || !kept->rollout->active();
  });
  const auto groups = groups_in(host_.state());
  for (const auto& [id, names] : groups) co_await step(names);
  co_return !groups.empty();
}

asio::awaitable<void> RolloutDriver::step(std::vector<std::string> names) {
  const Group group = group_of(names);
  if (group.size() < names.size() || !is_due(group)) co_return;
  const auto now = io::Clock::now();
  std::vector<rollout::Member> members;
  for (const auto& one : group) members.push_back({one.name, look_at(one, now)});
  auto together = rollout::decide_together(members);
  if (const auto left = left_the_group(host_.state(), group.front().rollout); !left.empty())
    together = {group.front().name, {Act::go_back, left}};
  if (together.decision.act == Act::wait) {
    for (const auto& one : group)
      if (one.name != together.service) one.watch->waits_for = together.decision.why;
    co_return;
  }
  co_await act(group, std::move(together));
}

// The rollouts of these services with their watches; fewer when one cannot be watched yet.
RolloutDriver::Group RolloutDriver::group_of(const std::vector<std::string>& names) {
  Group group;
  for (const auto& name : names) {
    const auto* kept = host_.state().service(name);
    const route::Service* service = find_service(*host_.snapshot(), name);
    if (!kept || !kept->rollout || !kept->rollout->active() || !service || !service->breaker) continue;
    auto& watch = watches_[name];
    if (!watch || !watch->is_of(*kept->rollout)) watch = new_watch(*kept->rollout, *service);
    group.push_back({name, *kept->rollout, watch});
  }
  return group;
}

std::shared_ptr<RolloutWatch> RolloutDriver::new_watch(const state::Rollout& rollout,
                                                       const route::Service& service) {
  auto watch = std::make_shared<RolloutWatch>(rollout, service);
  const auto known = known_.extract(service.spec.name);
  if (!known.empty() && is_of(known.mapped(), rollout)) watch->go_on(known.mapped());
  return watch;
}

json::array RolloutDriver::known() const {
  json::array all;
  for (const auto& [name, watch] : watches_) {
    const auto* kept = host_.state().service(name);
    const route::Service* service = find_service(*host_.snapshot(), name);
    if (!kept || !kept->rollout || !service || !service->breaker || !watch->is_of(*kept->rollout)) continue;
    all.push_back(to_json(watch->known(*kept->rollout, *service)));
  }
  return all;
}

void RolloutDriver::remember(const json::value& known) {
  if (const auto* all = known.if_array())
    for (const auto& one : *all)
      if (auto step = rollout::known_step_from(one)) known_.insert_or_assign(step->service, std::move(*step));
  for (const auto& service : host_.state().services) {
    if (!service.rollout || !service.rollout->active()) continue;
    const auto found = known_.find(service.name);
    if (found != known_.end() && is_of(found->second, *service.rollout)) continue;
    const std::string text = "rollout " + service.rollout->text() +
                             ": what the process before this one counted in the step cannot be read, the "
                             "hold begins anew (G7)";
    spdlog::warn("{}: {}", service.name, text);
    host_.event(service.name, text, {{"rollout", service.rollout->id}});
  }
}

bool RolloutDriver::is_due(const Group& group) const {
  const auto now = io::Clock::now();
  return std::any_of(group.begin(), group.end(), [&](const Driven& one) {
    return one.watch->is_due(now) ||
           RolloutWatch::tripped(*find_service(*host_.snapshot(), one.name), one.rollout);
  });
}

rollout::Decision RolloutDriver::look_at(const Driven& one, io::Clock::time_point now) {
  const route::Service& service = *find_service(*host_.snapshot(), one.name);
  ask_external_gates(*one.watch);
  if (one.rollout.phase == RolloutPhase::verifying) begin_verify(one.name, one.rollout, *one.watch);
  one.watch->way_back = host_.way_back(one.name);
  const auto evidence = one.watch->look(one.rollout, service, now);
  record(one.name, one.rollout, evidence);
  auto decision = rollout::decide(one.rollout, evidence);
  one.watch->waits_for = decision.why;
  return decision;
}

asio::awaitable<void> RolloutDriver::act(Group group, rollout::Together together) {
  const bool back = together.decision.act == Act::go_back;
  Move move = move_of(group, together);
  auto work = host_.make(std::move(move));
  const auto reply = co_await std::move(work);
  if (!reply)
    for (const auto& one : group) {
      one.watch->waits_for = reply.error().detail;
      one.watch->look_again_at(io::Clock::now() + kAfterRefusal);
    }
  if (!reply || !reply->changed) co_return;
  for (const auto& one : group) {
    const auto* kept = host_.state().service(one.name);
    if (!kept || !kept->rollout) continue;
    const auto& now = *kept->rollout;
    const std::string text = "rollout " + now.text() + ": " + (back ? now.why : together.decision.why);
    if (back) spdlog::warn("{}: {}", one.name, text);
    boost::json::object detail{{"rollout", now.id}, {"generation", reply->generation}};
    if (const auto& gate = together.decision.gate; !gate.empty() && one.name == together.service) {
      detail["gate"] = gate;
      detail["why"] = together.decision.why;
      detail["pool"] = now.to;
    }
    host_.event(one.name, text, std::move(detail));
  }
}

Move RolloutDriver::move_of(const Group& group, const rollout::Together& together) {
  const auto act = together.decision.act;
  Move move;
  move.back = act == Act::go_back;
  move.verb = move.back ? "rollout back" : act == Act::finish ? "rollout done" : "rollout step";
  move.why = together.decision.why;
  for (const auto& one : group) move.services.push_back(one.name);
  move.change = [group, back = move.back, service = together.service,
                 why = together.decision.why](const state::State& now) {
    // The move was decided for these states of the rollouts: when one has moved meanwhile, nothing is done.
    const bool as_decided = std::all_of(group.begin(), group.end(), [&now](const Driven& one) {
      const auto* kept = now.service(one.name);
      return kept && same(one.rollout, kept->rollout);
    });
    const auto time = unix_milliseconds();
    if (!as_decided) return state::Result<state::Change>(state::change_between(now, now));
    if (back) return rollout::go_back(now, service, RolloutPhase::rolled_back, time, why);
    return rollout::advance(now, service, time, why);  // from the last step to the end
  };
  return move;
}

// G8, and what is worth an event.
void RolloutDriver::record(const std::string& name, const state::Rollout& rollout,
                           const rollout::Evidence& evidence) {
  const state::Error error = judgements_->write(name, rollout, unix_milliseconds(), evidence.judgements);
  if (error && !judgements_failed_) spdlog::error("the judgements are not written: {}", error.message());
  judgements_failed_ = static_cast<bool>(error);
  if (on_look) on_look(name, rollout, evidence);
  auto& warned = warned_gates_[name];
  for (const auto& judgement : evidence.judgements) {
    if (!judgement.warn) {
      warned.erase(judgement.gate);
    } else if (warned.insert(judgement.gate).second) {
      spdlog::warn("{}: {}: {}", name, judgement.gate, judgement.why);
      host_.warning(name, judgement.gate + " is above its warn limit: " + judgement.why,
                    rollout::to_json(judgement));
    }
  }
}

void RolloutDriver::ask_external_gates(RolloutWatch& watch) {
  const auto now = io::Clock::now();
  for (const auto& gate : watch.external_gates()) {
    if (gate->asking || now < gate->next) continue;
    gate->asking = true;
    background_.spawn(ask_gate(gate));
  }
}

// An answer that comes after its step goes to that step's gate, which no watch reads any more: what was asked
// before a step began is never its evidence (G9).
asio::awaitable<void> RolloutDriver::ask_gate(std::shared_ptr<ExternalGate> gate) {
  const Question question = question_of(*gate, io::Clock::now(), unix_milliseconds());
  rollout::Judgement answer = judgement_of(*gate);
  if (question.gate) {
    config::GateSpec asked = *question.gate;
    io::Environment environment = gate->environment;
    auto work = ask(loop_, resolver_, std::move(asked), std::move(environment));
    answer = co_await std::move(work);
  }
  gate->last = as_evidence(question, std::move(answer));
  gate->asking = false;
  gate->next = next_question(*gate, question, io::Clock::now());
}

void RolloutDriver::begin_verify(const std::string& name, const state::Rollout& rollout,
                                 RolloutWatch& watch) {
  if (watch.probing) return;
  watch.probing = true;
  if (rollout.plan.verify.empty()) {
    watch.verified()->verdict = rollout::Verdict::pass;
    return;
  }
  watch.verified()->why = "the checks before the first user are under way";
  Verification wanted = verification_of(*host_.snapshot(), name, rollout.to, rollout.plan.verify);
  background_.spawn(verify_into(loop_, std::move(wanted), watch.verified()));
}

}  // namespace sluice::rollout_driver
