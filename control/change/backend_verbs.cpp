#include "control/change/backend_verbs.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "control/change/refusals.hpp"
#include "control/change/replies.hpp"
#include "control/change/targets.hpp"
#include "control/health/eligibility.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using protocol::Changed;
using protocol::Problem;
using protocol::Target;

Problem late(const Changed& reply, const std::string& what) {
  return protocol::timed_out(what + "; generation " + std::to_string(reply.generation) + " is in force");
}

BackendVerbs::BackendVerbs(const Planning& planning, io::Resolver& resolver, Committer& committer,
                           Waits& waits, BackendHealth& health, Recorder& recorder)
    : planning_(planning),
      resolver_(resolver),
      committer_(committer),
      waits_(waits),
      health_(health),
      recorder_(recorder) {}

asio::awaitable<Result<Changed>> BackendVerbs::drain(Invocation invocation, protocol::Drain message) {
  const bool wait = message.wait && !invocation.options.dry_run;
  const Target target = message.target;
  if (auto problem = slow_pace(invocation, target, message.websockets, message.timeout))
    co_return recorder_.refuse(invocation, "drain", std::move(*problem));
  Proposal proposal = propose(planning_, invocation, std::move(message));
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (!reply || !wait) co_return reply;
  const bool drained = co_await waits_.while_draining(target);
  if (!drained)
    co_return protocol::conflict(protocol::to_string(target) + " was made ready before it was drained");
  reply->more["drained"] = protocol::to_json(waits_.drained_sum(target));
  co_return reply;
}

std::optional<Problem> BackendVerbs::slow_pace(const Invocation& by, const Target& target,
                                               const protocol::Websockets& websockets,
                                               std::chrono::milliseconds timeout) const {
  if (by.options.force) return std::nullopt;
  return refuse_slow_pace(planning_.in_force, target, websockets, timeout);
}

// The operator's word ends an ejection (H3) at once. What still keeps a backend from being used is said.
asio::awaitable<Result<Changed>> BackendVerbs::ready(Invocation invocation, protocol::Ready message) {
  const bool dry_run = invocation.options.dry_run;
  const std::string by = to_string(invocation.actor);
  const Target target = message.target;
  Proposal proposal = propose(planning_, invocation, std::move(message));
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (reply && !dry_run) add_warnings(*reply, welcome(target, by));
  co_return reply;
}

asio::awaitable<Result<Changed>> BackendVerbs::ready_when_healthy(Invocation invocation,
                                                                  ReadyWhenHealthy message) {
  const Target target = message.target;
  if (auto problem = missing_member(planning_.in_force.state, resolver_, target))
    co_return recorder_.refuse(invocation, "ready", std::move(*problem));
  protocol::Ready wanted{target};
  if (invocation.options.dry_run) co_return co_await ready(std::move(invocation), std::move(wanted));
  const auto limit = io::Clock::now() + message.timeout;
  const bool healthy = co_await waits_.until_healthy(target, limit);
  const bool reached = healthy && co_await waits_.until_reachable(target, limit);
  if (!reached)
    co_return recorder_.refuse(
        invocation, "ready",
        protocol::timed_out(protocol::to_string(target) + " is not well after " +
                            format_duration(message.timeout) +
                            ", so nothing was changed: " + waits_.troubles_of(target)));
  co_return co_await ready(std::move(invocation), std::move(wanted));
}

std::vector<std::string> BackendVerbs::welcome(const Target& target, const std::string& by) {
  std::vector<std::string> notes;
  for (const route::Backend* backend : backends_of(planning_.in_force, target)) {
    const std::string name = target.service + "/" + target.pool + "/" + backend->name;
    if (health_.outliers.lift(backend->live->id, "made ready by " + by))
      notes.push_back(name + " is no longer ejected");
    if (backend->live->health.load() == observe::Health::down)
      notes.push_back(target.service + "/" + target.pool + "/" + why_not(*backend, health_.registry) +
                      ", it gets no request until " +
                      (backend->endpoints.empty() ? "its name is known" : "its probes are passed"));
  }
  return notes;
}

asio::awaitable<Result<Changed>> BackendVerbs::add(Invocation invocation, protocol::Add message) {
  const Target target = message.target;
  const auto wait_healthy = message.wait_healthy;
  const bool wait = wait_healthy && !invocation.options.dry_run;
  std::vector<std::string> names;
  names.push_back(message.address.empty() ? target.backend : message.address);
  co_await resolver_.resolve(std::move(names));
  Proposal proposal = propose(planning_, invocation, std::move(message));
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (!reply || !wait) co_return reply;
  const auto limit = io::Clock::now() + *wait_healthy;
  const bool healthy = co_await waits_.until_healthy(target, limit);
  if (!healthy)
    co_return late(*reply, protocol::to_string(target) + " was added and is not healthy after " +
                               duration_text(*wait_healthy));
  co_return reply;
}

// Two changes: it drains, and when nothing is in flight it is taken out.
asio::awaitable<Result<Changed>> BackendVerbs::remove(Invocation invocation, protocol::Remove message) {
  const Target target = message.target;
  if (auto problem = refuse_kept_back(planning_.in_force.state, target); problem && !invocation.options.force)
    co_return recorder_.refuse(invocation, "remove", std::move(*problem));
  if (auto problem = slow_pace(invocation, target, message.websockets, message.timeout))
    co_return recorder_.refuse(invocation, "remove", std::move(*problem));
  protocol::Drain first;
  first.target = target;
  first.timeout = message.timeout;
  first.websockets = message.websockets;
  Proposal out = propose(planning_, invocation, std::move(message));
  if (invocation.options.dry_run) co_return co_await committer_.commit(std::move(invocation), std::move(out));
  Proposal drain = propose(planning_, invocation, std::move(first));
  drain.verb = "remove";
  drain.drain->removing = true;
  const auto drained = co_await committer_.commit(invocation, std::move(drain));
  if (!drained) co_return drained;
  const bool gone_quiet = co_await waits_.while_draining(target);
  if (!gone_quiet)
    co_return protocol::conflict(protocol::to_string(target) + " was made ready before it was removed");
  const protocol::Drained result = waits_.drained_sum(target);
  invocation.options.if_generation.reset();  // it was the generation before the first of the two
  if (drained->changed) invocation.options.step = drained->generation;
  auto reply = co_await committer_.commit(std::move(invocation), std::move(out));
  if (!reply) co_return reply;
  reply->before = drained->before;
  // `add` would bring the backend back as ready: when it was not, only an undo brings it back as it was.
  if (!drained->undo.starts_with("sluicectl ready "))
    reply->undo = "sluicectl undo --to-generation " +
                  std::to_string(drained->changed ? drained->generation - 1 : reply->generation - 1);
  reply->took_ms += drained->took_ms;
  reply->more["drained"] = protocol::to_json(result);
  if (drained->more.contains("warnings")) reply->more["warnings"] = drained->more.at("warnings");
  co_return reply;
}

}  // namespace sluice::change
