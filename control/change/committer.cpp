#include "control/change/committer.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>

#include "control/change/affected_users.hpp"
#include "control/change/refusals.hpp"
#include "control/change/replies.hpp"
#include "control/health/eligibility.hpp"
#include "control/state/left_pools.hpp"
#include "control/state/merge.hpp"
#include "control/state/walk.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;
using protocol::Changed;
using protocol::Problem;

namespace {

double milliseconds_since(io::Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(io::Clock::now() - began).count();
}

Changed reply_of(const state::State& before, const state::Change& change, const Proposal& proposal) {
  Changed reply;
  reply.generation = before.generation;
  reply.changed = change.changed;
  reply.before = proposal.view(before);
  reply.after = proposal.view(change.next);
  if (change.changed) reply.undo = change.undo;
  if (!change.why.empty()) reply.more["why"] = change.why;
  if (!change.restored.empty())
    reply.more["restored"] = json::array(change.restored.begin(), change.restored.end());
  add_warnings(reply, change.notes);
  return reply;
}

}  // namespace

Committer::Committer(asio::any_io_executor loop, std::unique_ptr<state::Store> store, Collaborators others)
    : loop_(loop),
      store_(std::move(store)),
      in_force_(others.in_force),
      publisher_(others.publisher),
      workers_(others.workers),
      resolver_(others.resolver),
      health_registry_(others.health_registry),
      drains_(others.drains),
      recorder_(others.recorder),
      mutex_(loop) {}

// --- the start

asio::awaitable<std::string> Committer::load() {
  const auto loaded = std::make_shared<io::AsyncResult<state::Store::Loaded>>(loop_);
  store_->load([loaded](state::Store::Loaded result) { loaded->set(std::move(result)); });
  auto [failure, found] = co_await loaded->wait();
  if (!failure.empty()) co_return failure;
  for (const auto& warning : found) spdlog::warn("{}", warning);
  recorder_.standing_warnings = std::move(found);
  co_return std::string();
}

asio::awaitable<std::string> Committer::merge_with_configuration() {
  const state::State& kept = history().state();
  const bool first_start = history().empty();
  auto merged = state::merge(kept, in_force_.spec);
  in_force_.state = first_start ? state::from_spec(in_force_.spec) : std::move(merged.state);
  if (merged.changed) state::remember_left(kept, in_force_.state, in_force_.spec, unix_milliseconds());
  if (!first_start && !merged.changed) co_return std::string();
  for (const auto& conflict : merged.conflicts) {
    spdlog::warn("{}", conflict);
    recorder_.standing_warnings.push_back(conflict);
  }
  state::Edit edit = state::edit_between(kept, in_force_.state, "start");
  edit.time = unix_milliseconds();
  edit.actor.name = "daemon";
  std::string error = co_await append(std::move(edit));
  // One object each, not one that is kept and one that is in force.
  if (error.empty() && history().state() == in_force_.state) in_force_.state = history().state();
  co_return error;
}

void Committer::begin_with(route::SnapshotPtr first) {
  publisher_.install(*first, *in_force_.snapshot);
  in_force_.snapshot = std::move(first);
}

// --- a change

asio::awaitable<Result<Changed>> Committer::commit(Invocation invocation, Proposal proposal) {
  if (proposal.resolve_first) co_await resolve_for(proposal);
  auto notes = std::move(proposal.notes);
  const auto questions = std::make_shared<Forecaster::Questions>();
  auto reply = co_await commit_alone(std::move(invocation), std::move(proposal), questions);
  if (reply) add_notes(*reply, notes);
  if (!reply || questions->empty()) co_return reply;
  const auto foretold = co_await forecaster->answer(std::move(*questions));
  reply->more["forecast"] = protocol::answer_json(foretold).at("services");
  co_return reply;
}

asio::awaitable<Result<Changed>> Committer::commit_alone(Invocation invocation, Proposal proposal,
                                                         std::shared_ptr<Forecaster::Questions> of_dry_run) {
  const Lock held = co_await lock();
  co_return co_await commit_locked(std::move(invocation), std::move(proposal), std::move(of_dry_run));
}

asio::awaitable<Result<Changed>> Committer::commit_locked(Invocation invocation, Proposal proposal,
                                                          std::shared_ptr<Forecaster::Questions> of_dry_run) {
  const auto started = io::Clock::now();
  if (retired_) co_return protocol::replaced();
  const auto& expected = invocation.options.if_generation;
  if (expected && *expected != in_force_.state.generation)
    co_return recorder_.refuse(invocation, proposal.verb,
                               protocol::generation_moved(*expected, in_force_.state.generation));
  auto change = proposal.change(in_force_.state);
  if (!change) co_return recorder_.refuse(invocation, proposal.verb, change.error());
  Changed reply = reply_of(in_force_.state, *change, proposal);
  reply.dry_run = invocation.options.dry_run;
  if (!change->changed) {
    if (!reply.dry_run) {
      recorder_.audit(invocation, proposal.verb, {}, "unchanged");
      drains_.follow(in_force_, proposal.drain);
    }
    reply.took_ms = milliseconds_since(started);
    co_return reply;
  }

  state::remember_left(in_force_.state, change->next, in_force_.spec, unix_milliseconds());
  route::SnapshotPtr made = build(change->next);
  if (!invocation.options.force)
    if (auto problem = refuse_unsafe(proposal, *change, *made))
      co_return recorder_.refuse(invocation, proposal.verb, std::move(*problem));
  for (const auto& lost : health::lost_pools(*in_force_.snapshot, *made)) add_warnings(reply, {lost.text()});
  if (!reply.undo.empty() && needs_force(in_force_, *made, change->shares, health_registry_))
    reply.undo += " --force";
  if (reply.dry_run) {
    add_affected_users(reply, in_force_.state, change->next, change->shares, in_force_.spec);
    if (forecaster) *of_dry_run = forecaster->ask(in_force_.state, change->next);
    co_return reply;
  }

  state::Edit edit = edit_for(invocation, change->next, proposal.verb);
  edit.step = invocation.options.step > 0 ? invocation.options.step : change->step;
  edit.undone = change->undone;
  edit.redone = change->redone;
  const bool without_disk = proposal.without_disk || invocation.options.force;
  const state::State before = in_force_.state;
  const auto published = co_await put_in_force(edit, std::move(change->next), std::move(made), without_disk,
                                               std::move(proposal.before_publish));
  if (!published) co_return recorder_.refuse(invocation, proposal.verb, published.error());
  reply.generation = edit.generation;
  reply.durable = published->durable;
  reply.took_ms = milliseconds_since(started);
  recorder_.audit(invocation, proposal.verb, {edit.before, edit.after},
                  reply.durable ? "done" : "done, not durable");
  recorder_.log_change(invocation, edit, reply.took_ms, reply.undo);
  if (on_committed) on_committed(before, proposal.verb);
  drains_.follow(in_force_, proposal.drain);
  co_return reply;
}

// C5.
std::optional<Problem> Committer::refuse_unsafe(const Proposal& proposal, const state::Change& change,
                                                const route::Snapshot& made) const {
  if (auto problem = health::refuse_unservable(made, change.shares, health_registry_)) return problem;
  if (auto problem = health::refuse_unservable(made, proposal.must_serve, health_registry_)) return problem;
  return refuse_losses(in_force_, made, change.next, health_registry_);
}

asio::awaitable<void> Committer::resolve_for(const Proposal& proposal) {
  const auto change = proposal.change(in_force_.state);
  if (!change) co_return;
  auto addresses = addresses_of(change->next);
  co_await resolver_.resolve(std::move(addresses));
}

// --- its steps

route::SnapshotPtr Committer::build(const state::State& next) const {
  return publisher_.rebuild(in_force_, next);
}

route::SnapshotPtr Committer::build(const config::Spec& spec, const state::State& next) const {
  return publisher_.build(spec, next, in_force_.snapshot.get());
}

asio::awaitable<Result<Committer::Published>> Committer::put_in_force(state::Edit edit, state::State next,
                                                                      route::SnapshotPtr made,
                                                                      bool without_disk,
                                                                      std::function<void()> before_publish) {
  auto published = co_await keep_edit(std::move(edit), without_disk);
  if (!published) co_return published;
  if (before_publish) before_publish();
  if (tell_first) co_await tell_first(next);
  in_force_.state = std::move(next);
  co_await publish(std::move(made));
  co_return published;
}

asio::awaitable<void> Committer::follow(state::State next) {
  const Lock held = co_await lock();
  route::SnapshotPtr made = build(next);
  in_force_.state = std::move(next);
  co_await publish(std::move(made));
  drains_.follow(in_force_, std::nullopt);
}

asio::awaitable<void> Committer::publish(route::SnapshotPtr made) {
  publisher_.install(*made, *in_force_.snapshot);
  in_force_.snapshot = made;
  const auto acknowledged = std::make_shared<io::AsyncResult<bool>>(loop_);
  workers_.publish(std::move(made), [acknowledged] { acknowledged->set(true); });
  if (on_published) on_published();
  co_await acknowledged->wait();
}

asio::awaitable<Result<Committer::Published>> Committer::keep_edit(state::Edit edit, bool without_disk) {
  const std::string error = co_await append(edit);
  if (error.empty()) co_return Published{true};
  ++recorder_.counters.journal_errors;
  spdlog::error("generation {}: {}", edit.generation, error);
  if (!without_disk)
    co_return protocol::refused(
        "nothing was changed, because the change could not be kept: " + error,
        store_->remedy() + ", or repeat it with --force, which goes on without the disk");
  store_->keep(edit);
  recorder_.events.add("warning", "",
                       "generation " + std::to_string(edit.generation) + " is not durable: " + error);
  co_return Published{false};
}

asio::awaitable<std::string> Committer::append(state::Edit edit) {
  const auto appended = std::make_shared<io::AsyncResult<std::string>>(loop_);
  store_->append(std::move(edit), [appended](std::string error) { appended->set(std::move(error)); });
  co_return co_await appended->wait();
}

state::Edit Committer::edit_for(const Invocation& invocation, const state::State& next,
                                const std::string& verb) const {
  state::Edit edit = state::edit_between(in_force_.state, next, verb);
  edit.time = unix_milliseconds();
  edit.actor = actor_of(invocation.actor);
  edit.reason = invocation.options.reason;
  return edit;
}

asio::awaitable<void> Committer::try_the_disk() {
  const auto held = lock_if_free();
  if (!held) co_return;
  const auto flushed = std::make_shared<io::AsyncResult<std::string>>(loop_);
  store_->flush([flushed](std::string error) { flushed->set(std::move(error)); });
  const std::string error = co_await flushed->wait();
  if (error.empty())
    recorder_.info("warning", "",
                   "generation " + std::to_string(in_force_.state.generation) + " is durable again");
}

}  // namespace sluice::change
