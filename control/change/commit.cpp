// The one way of a change (C3): check, journal, publish, wait for all workers, reply.
#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/moved.hpp"
#include "control/change/replies.hpp"
#include "control/health/eligibility.hpp"
#include "control/state/walk.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

double milliseconds_since(io::Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(io::Clock::now() - began).count();
}

Changed reply_of(const state::State& before, const state::Change& change, const Verb& verb) {
  Changed reply;
  reply.generation = before.generation;
  reply.changed = change.changed;
  reply.before = verb.view(before);
  reply.after = verb.view(change.next);
  if (change.changed) reply.undo = change.undo;
  if (!change.why.empty()) reply.more["why"] = change.why;
  if (!change.restored.empty())
    reply.more["restored"] = json::array(change.restored.begin(), change.restored.end());
  return reply;
}

}  // namespace

asio::awaitable<Result<Changed>> Control::Impl::commit(Request request, Verb verb) {
  const io::AsyncMutex::Held held = co_await turn.take();
  co_return co_await commit_in_turn(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::Impl::commit_in_turn(Request request, Verb verb) {
  const auto started = io::Clock::now();
  const auto& expected = request.options.if_generation;
  if (expected && *expected != state.generation)
    co_return refuse(request, verb.name, protocol::generation_moved(*expected, state.generation));
  auto change = verb.change(state);
  if (!change) co_return refuse(request, verb.name, change.error());
  Changed reply = reply_of(state, *change, verb);
  reply.dry_run = request.options.dry_run;
  add_warnings(reply, change->notes);
  if (!change->changed) {
    if (!reply.dry_run) {
      audit_line(request, verb.name, {}, "unchanged");
      follow_drains(verb.drain);
    }
    reply.took_ms = milliseconds_since(started);
    co_return reply;
  }

  route::SnapshotPtr made = publisher.build(spec, change->next, snapshot.get());
  if (!request.options.force) {
    if (auto problem = health::refuse_unservable(*made, change->shares, health_registry))
      co_return refuse(request, verb.name, std::move(*problem));
    if (auto problem = health::refuse_unservable(*made, verb.must_serve, health_registry))
      co_return refuse(request, verb.name, std::move(*problem));
    if (auto problem = refuse_losses(*made, change->next))
      co_return refuse(request, verb.name, std::move(*problem));
  }
  for (const auto& lost : health::lost_pools(*snapshot, *made)) add_warnings(reply, {lost.text()});
  if (!reply.undo.empty() && needs_force(*made, change->shares)) reply.undo += " --force";
  if (reply.dry_run) {
    add_moved_users(reply, state, change->next, change->shares, spec);
    co_return reply;
  }

  state::Edit edit = edit_for(request, change->next, verb.name);
  edit.step = request.options.step > 0 ? request.options.step : change->step;
  edit.undone = change->undone;
  edit.redone = change->redone;
  const bool without_disk = verb.without_disk || request.options.force;
  const state::State before = state;
  const auto published = co_await put_in_force(edit, std::move(change->next), std::move(made), without_disk);
  if (!published) co_return refuse(request, verb.name, published.error());
  reply.generation = edit.generation;
  reply.durable = published->durable;
  reply.took_ms = milliseconds_since(started);
  audit_line(request, verb.name, {edit.before, edit.after}, reply.durable ? "done" : "done, not durable");
  tell(request, edit, reply.took_ms);
  tell_released(before, verb.name == state::kRetentionOver ? "over" : "superseded");
  follow_drains(verb.drain);
  co_return reply;
}

// The way back from `made` would be refused without it: to a pool that cannot serve now, or could not before.
bool Control::Impl::needs_force(const route::Snapshot& made,
                                const std::vector<state::ServiceDiff>& moved) const {
  auto back = moved;
  for (auto& diff : back)
    for (auto& pool : diff.pools) std::swap(pool.before, pool.after);
  return health::refuse_unservable(made, back, health_registry) ||
         !health::lost_pools(made, *snapshot).empty();
}

// A slip is no outage: the last eligible backend of a pool with a share, or of one that is the way back, is
// not taken away by the way.
std::optional<Problem> Control::Impl::refuse_losses(const route::Snapshot& made,
                                                    const state::State& next) const {
  const auto lost = health::lost_pools(*snapshot, made);
  if (!lost.empty()) return refuse_loss(lost.front(), made, next, health_registry);
  const auto now = unix_milliseconds();
  for (const auto& service : made.services) {
    const auto* kept = next.service(service.spec.name);
    const route::Service* before = find_service(*snapshot, service.spec.name);
    for (const auto& pool : service.pools) {
      const route::Pool* was = before ? find_pool(*before, pool.name) : nullptr;
      if (!was || eligible_count(*was) == 0 || eligible_count(pool) > 0) continue;
      const auto why = kept ? rollout::kept_for_rollback(*kept, pool.name, now) : std::string();
      if (!why.empty())
        return protocol::refused(
            service.spec.name + "/" + pool.name + " would have no eligible backend any more, but " + why,
            "repeat it with --force if there is to be no way back");
    }
  }
  return std::nullopt;
}

asio::awaitable<Result<Control::Impl::Published>> Control::Impl::put_in_force(state::Edit edit,
                                                                              state::State next,
                                                                              route::SnapshotPtr made,
                                                                              bool without_disk,
                                                                              std::function<void()> between) {
  auto published = co_await keep_edit(std::move(edit), without_disk);
  if (!published) co_return published;
  if (between) between();
  state = std::move(next);
  co_await publish(std::move(made));
  co_return published;
}

asio::awaitable<void> Control::Impl::publish(route::SnapshotPtr made) {
  publisher.install(*made);
  snapshot = made;
  const auto gate = std::make_shared<io::AsyncResult<bool>>(loop);
  workers.publish(made, [gate] { gate->open(true); });
  adopt(std::move(made));
  co_await gate->wait();
}

asio::awaitable<Result<Control::Impl::Published>> Control::Impl::keep_edit(state::Edit edit,
                                                                           bool without_disk) {
  const auto kept = std::make_shared<io::AsyncResult<std::string>>(loop);
  store->append(edit, [kept](std::string error) { kept->open(std::move(error)); });
  const std::string error = co_await kept->wait();
  if (error.empty()) co_return Published{true};
  ++counters.journal_errors;
  spdlog::error("generation {}: {}", edit.generation, error);
  if (!without_disk)
    co_return protocol::refused(
        "nothing was changed, because the change could not be kept: " + error,
        store->remedy() + ", or repeat it with --force, which goes on without the disk");
  store->keep(edit);
  events.add("warning", "", "generation " + std::to_string(edit.generation) + " is not durable: " + error);
  co_return Published{false};
}

state::Edit Control::Impl::edit_for(const Request& request, const state::State& next,
                                    const std::string& verb) const {
  state::Edit edit = state::edit_between(state, next, verb);
  edit.time = unix_milliseconds();
  edit.actor = actor_of(request.actor);
  edit.reason = request.options.reason;
  return edit;
}

Problem Control::Impl::refuse(const Request& request, const std::string& verb, Problem problem) {
  ++counters.refused;
  if (!request.options.dry_run) audit_line(request, verb, {}, "refused: " + problem.detail);
  spdlog::info("{} by {} refused: {}", verb, to_string(request.actor), problem.detail);
  return problem;
}

// T4: whoever knocks without the right is in the audit log, but cannot fill the disk with it.
void Control::Impl::turn_away(const Actor& actor, const std::string& what, const std::string& why) {
  constexpr std::uint32_t kLinesAMinute = 60;
  ++counters.refused;
  const auto now = io::Clock::now();
  std::string result = "refused: " + why;
  if (now - door_minute >= std::chrono::minutes(1)) {
    if (turned_away > kLinesAMinute)
      result += " (and " + std::to_string(turned_away - kLinesAMinute) + " more were refused before)";
    door_minute = now;
    turned_away = 0;
  }
  if (++turned_away > kLinesAMinute) return;
  Request request;
  request.actor = actor;
  audit_line(request, what, {}, result);
  spdlog::warn("{} by {} refused: {}", what, to_string(actor), why);
}

void Control::Impl::audit_line(const Request& request, const std::string& verb, const state::Texts& texts,
                               const std::string& result) {
  state::Attempt attempt;
  attempt.time = unix_milliseconds();
  attempt.actor = actor_of(request.actor);
  attempt.verb = verb;
  attempt.before = texts.before;
  attempt.after = texts.after;
  attempt.generation = state.generation;
  attempt.reason = request.options.reason;
  attempt.result = result;
  const state::Error error = audit->write(attempt);
  // Once is enough: the disk is full for longer than one change.
  if (error && !audit_failed) spdlog::error("the audit log is not written: {}", error.message());
  audit_failed = static_cast<bool>(error);
}

void Control::Impl::tell(const Request& request, const state::Edit& edit, double took_ms) {
  ++counters.changes;
  const bool settings_only = edit.before.empty() && edit.after.empty();  // a reload
  const std::string text = edit.verb + (settings_only ? "" : ": " + edit.before + " -> " + edit.after);
  spdlog::info("generation {}, {}, by {}, {:.1f} ms", edit.generation, text, to_string(request.actor),
               took_ms);
  json::object detail{{"generation", edit.generation}, {"verb", edit.verb},     {"before", edit.before},
                      {"after", edit.after},           {"reason", edit.reason}, {"took_ms", took_ms}};
  events.add("change", edit.services.size() == 1 ? edit.services.front().name : "", text, std::move(detail));
}

void Control::Impl::follow_drains(const std::optional<DrainWish>& wish) {
  const auto now = io::Clock::now();
  const std::int64_t unix_now = unix_milliseconds();
  std::vector<std::uint32_t> draining;
  for (const auto& service : snapshot->services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) {
        if (backend.admin != observe::Admin::draining) continue;
        draining.push_back(backend.live->id);
        const Target target{service.spec.name, pool.name, backend.name};
        const bool wished = wish && wish->target.service == target.service &&
                            wish->target.pool == target.pool && names(wish->target, backend);
        if (!wished && drains.find(backend.live->id)) continue;
        std::optional<io::Clock::time_point> deadline;
        const auto* kept = state.service(target.service)->pool(target.pool)->backend_of(target.backend);
        if (const auto until = kept ? kept->member(backend.address).drain_deadline : std::nullopt)
          deadline = now + std::chrono::milliseconds(*until - unix_now);
        drains.begin(target, backend.live, deadline, wished ? wish->tunnels : worker::TunnelPolicy{},
                     wished && wish->removing);
      }
  drains.keep_only([&draining](const Drain& drain) {
    return std::find(draining.begin(), draining.end(), drain.live->id) != draining.end();
  });
}

}  // namespace sluice::change
