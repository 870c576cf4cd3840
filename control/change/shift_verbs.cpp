#include "control/change/shift_verbs.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "control/change/backend_verbs.hpp"
#include "control/change/refusals.hpp"
#include "control/rollout/plan.hpp"
#include "control/rollout_driver/verify.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using protocol::Changed;
using protocol::Problem;

namespace {

std::vector<std::string> notes_on(const rollout::Start& start) {
  auto notes = rollout::remarks(start.plan, start.services.front().second);
  const std::string command = "sluicectl rollout status " + start.services.front().first;
  if (start.plan.begins_with_checks())
    notes.push_back("the first step begins when the checks have passed: " + command + " --follow");
  const auto& plan = start.plan;
  if (plan.aa_time().count() > 0)
    notes.push_back("before it two cohorts of the stable pool are compared for " +
                    format_duration(plan.aa_time()) + " (A/A; --aa 0 begins at once)");
  return notes;
}

// What of the plan is not the configuration's.
config::PlanSpec own_part(const config::PlanSpec& plan, const protocol::RolloutStart& message) {
  config::PlanSpec own = plan;
  if (message.plan.empty()) return own;
  own.gates.clear();
  own.verify = *rollout::checks_of(message.checks);
  return own;
}

}  // namespace

ShiftVerbs::ShiftVerbs(asio::any_io_executor loop, const Planning& planning, Committer& committer,
                       Waits& waits, Recorder& recorder)
    : planning_(planning),
      committer_(committer),
      waits_(waits),
      recorder_(recorder),
      checks_(std::move(loop), planning.in_force, committer, recorder) {}

asio::awaitable<Result<Changed>> ShiftVerbs::cutover(Invocation invocation, protocol::Cutover message) {
  invocation.options.force = invocation.options.force || message.force;
  const bool wait = message.wait_drained && !invocation.options.dry_run;
  const auto began = io::Clock::now();
  const auto limit = message.wait_timeout ? began + *message.wait_timeout : io::Clock::time_point::max();
  const Waits::Pools left = pools_left_by(message);
  auto checks = rollout::checks_of(message.checks);
  if (!checks) co_return recorder_.refuse(invocation, "cutover", checks.error());
  config::PlanSpec own;
  own.verify = *checks;
  if (auto problem = refuse_own_commands(invocation.actor, own))
    co_return recorder_.refuse(invocation, "cutover", std::move(*problem));
  auto proposal = proposal_of(invocation, message);
  if (!proposal) co_return recorder_.refuse(invocation, "cutover", proposal.error());
  if (!checks->empty()) {
    proposal = co_await checks_.pass(invocation, std::move(*proposal), message.services, std::move(*checks));
    if (!proposal) co_return proposal.error();
  }
  auto reply = co_await committer_.commit(std::move(invocation), std::move(*proposal));
  if (!reply || !wait) co_return reply;
  protocol::Drained drained;
  drained.clean = waits_.in_flight_of(left);
  const bool idle = co_await waits_.until_idle(left, limit);
  if (!idle)
    co_return late(*reply, "the pools left behind still have " + std::to_string(waits_.in_flight_of(left)) +
                               " requests in flight");
  drained.took = std::chrono::duration_cast<std::chrono::milliseconds>(io::Clock::now() - began);
  reply->more["drained"] = protocol::to_json(drained);
  co_return reply;
}

Result<Proposal> ShiftVerbs::proposal_of(const Invocation& invocation,
                                         const protocol::Cutover& message) const {
  if (!message.watch_for) return propose(planning_, invocation, message);
  auto plan = rollout::watch_plan(message);
  if (!plan) return plan.error();
  if (auto problem = refuse_own_commands(invocation.actor, *plan)) return *problem;
  auto notes = rollout::remarks(*plan, message.services.front().second);
  rollout::Start start;
  start.services = message.services;
  start.plan = std::move(*plan);
  start.by = to_string(invocation.actor);
  start.supersede = message.supersede;
  Proposal made = propose(planning_, invocation, std::move(start));
  made.verb = "cutover";
  made.notes = std::move(notes);
  return made;
}

Waits::Pools ShiftVerbs::pools_left_by(const protocol::Cutover& message) const {
  Waits::Pools left;
  for (const auto& [name, pool] : message.services)
    if (const auto* service = planning_.in_force.state.service(name))
      for (const auto& other : service->pools)
        if (other.name != pool && other.share > 0) left.emplace_back(name, other.name);
  return left;
}

asio::awaitable<Result<Changed>> ShiftVerbs::rollout_start(Invocation invocation,
                                                           protocol::RolloutStart message) {
  auto plan = rollout::plan_of(message, planning_.in_force.spec.plans);
  if (!plan) co_return recorder_.refuse(invocation, "rollout start", plan.error());
  if (auto problem = refuse_own_commands(invocation.actor, own_part(*plan, message)))
    co_return recorder_.refuse(invocation, "rollout start", std::move(*problem));
  invocation.options.force = invocation.options.force || message.force;
  rollout::Start start;
  start.services = services_of(message);
  start.plan = std::move(*plan);
  start.by = to_string(invocation.actor);
  start.supersede = message.supersede;
  auto notes = notes_on(start);
  if (invocation.options.dry_run && !start.plan.verify.empty())
    for (const auto& [service, pool] : start.services)
      for (auto& sentence : told(rollout_driver::verification_of(*planning_.in_force.snapshot, service, pool,
                                                                 start.plan.verify)))
        notes.push_back(std::move(sentence));
  Proposal proposal = propose(planning_, invocation, std::move(start));
  proposal.notes = std::move(notes);
  co_return co_await committer_.commit(std::move(invocation), std::move(proposal));
}

}  // namespace sluice::change
