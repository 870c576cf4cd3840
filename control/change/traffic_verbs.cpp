// The verbs that lay something over a service's shares: pause, resume, stop (P1), flags (F1), mirror
// (M1).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/state/traffic.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

Verb hold_verb(std::string name, std::string service,
               std::function<state::Result<state::Change>(const state::State&)> change) {
  Verb verb;
  verb.name = std::move(name);
  verb.view = [service](const state::State& now) { return hold_json(now, service); };
  verb.change = std::move(change);
  return verb;
}

std::int64_t steady_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now().time_since_epoch()).count();
}

void add_note(Changed& reply, std::string sentence) {
  auto& notes = reply.more["notes"];
  if (!notes.is_array()) notes.emplace_array();
  notes.as_array().emplace_back(std::move(sentence));
}

std::string requests_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " request is" : " requests are");
}

}  // namespace

// What of a service may still reach a backend: requests under way and waiting for a place, and tunnels.
std::uint64_t Control::Impl::under_way(const std::string& service) const {
  const route::Service* routed = snapshot ? find_service(*snapshot, service) : nullptr;
  return routed ? routed->live->under_way() : 0;
}

// P1: in flight 0 is announced, once for each pause and stop. False when `limit` came first or the service
// is open again.
asio::awaitable<bool> Control::Impl::wait_until_quiet(std::string service, io::Clock::time_point limit) {
  asio::steady_timer timer(loop);
  while (!stopped) {
    const state::ServiceState* kept = state.service(service);
    if (!kept || !kept->hold) co_return false;
    if (under_way(service) == 0) co_return true;
    if (io::Clock::now() >= limit) co_return false;
    timer.expires_after(Drains::kPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return false;
}

asio::awaitable<void> Control::Impl::announce_quiet(std::shared_ptr<Impl> self, std::string service) {
  const auto began = io::Clock::now();
  const bool quiet = co_await wait_until_quiet(service, io::Clock::time_point::max());
  announcing.erase(service);
  if (!quiet) co_return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(io::Clock::now() - began);
  json::object detail{{"in_flight", 0}, {"took_ms", took.count()}};
  events.add("quiet", service, "nothing is in flight any more, " + duration_text(took) + " after the change",
             std::move(detail));
  self.reset();
}

asio::awaitable<Result<Changed>> Control::Impl::pause(std::shared_ptr<Impl> self, Request request,
                                                      protocol::Pause message) {
  const bool dry = request.options.dry_run;
  const std::string service = message.service;
  Verb verb = hold_verb("pause", service, [message](const state::State& now) {
    return state::pause(now, message.service, message.max_hold, message.max_queue);
  });
  auto reply = co_await commit(std::move(request), std::move(verb));
  if (!reply || dry) co_return reply;
  const auto began = io::Clock::now();
  if (announcing.insert(service).second) asio::co_spawn(loop, announce_quiet(self, service), asio::detached);
  if (message.wait) {
    const auto limit = message.timeout.count() > 0 ? began + message.timeout : io::Clock::time_point::max();
    const bool quiet = co_await wait_until_quiet(service, limit);
    if (!quiet)
      co_return protocol::timed_out(service + " is paused, and " + requests_text(under_way(service)) +
                                    " still in flight after " + duration_text(message.timeout) +
                                    "; generation " + std::to_string(reply->generation) + " is in force");
    reply->more["quiet_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(io::Clock::now() - began).count();
  }
  const std::uint64_t left = under_way(service);
  reply->more["in_flight"] = left;
  add_note(*reply, left == 0
                       ? "nothing is in flight: in flight 0"
                       : requests_text(left) +
                             " still in flight; status, and the event 'quiet', say when there are none");
  co_return reply;
}

// The rate is the workers' before they learn that the pause is over.
asio::awaitable<Result<Changed>> Control::Impl::resume(Request request, protocol::Resume message) {
  const io::AsyncMutex::Held held = co_await turn.take();
  const bool dry = request.options.dry_run;
  const route::Service* routed = find_service(*snapshot, message.service);
  observe::HoldLive* live = routed && routed->hold ? &routed->live->hold : nullptr;
  const std::uint32_t waiting = live ? live->held.load() : 0;
  if (live && !dry) {
    live->release_rate.store(message.rate);
    live->release_began_micros.store(steady_micros());
    live->released.store(0);
  }
  Verb verb = hold_verb("resume", message.service,
                        [message](const state::State& now) { return state::resume(now, message.service); });
  auto reply = co_await commit_in_turn(std::move(request), std::move(verb));
  if (!reply || !reply->changed) co_return reply;
  reply->more["held"] = waiting;
  if (waiting > 0)
    add_note(*reply, requests_text(waiting) + " let go" +
                         (message.rate > 0 ? ", " + std::to_string(message.rate) + " a second" : " at once"));
  co_return reply;
}

// The one service that `flag` can only mean when none is named; empty when that is not clear.
std::string Control::Impl::service_of_flag(const std::string& flag) const {
  if (state.services.size() == 1) return state.services.front().name;
  std::string found;
  for (const auto& service : state.services) {
    if (!service.flag(flag)) continue;
    if (!found.empty()) return {};
    found = service.name;
  }
  return found;
}

Verb Control::Impl::flag_verb(protocol::SetFlag message) {
  Verb verb;
  verb.name = "flag set";
  if (message.service.empty()) message.service = service_of_flag(message.flag);
  verb.view = [message](const state::State& now) { return flag_json(now, message.flag, message.service); };
  verb.change = [message](const state::State& now) -> state::Result<state::Change> {
    if (message.service.empty())
      return protocol::malformed("of which service? name it: --service S ({\"service\":\"S\"})", "service");
    return state::set_flag(now, message.service, message.flag, message.share, message.config);
  };
  return verb;
}

Verb Control::Impl::unflag_verb(protocol::RemoveFlag message) {
  Verb verb;
  verb.name = "flag rm";
  verb.view = [message](const state::State& now) { return flag_json(now, message.flag, message.service); };
  verb.change = [message](const state::State& now) {
    return state::remove_flag(now, message.flag, message.service);
  };
  return verb;
}

Verb Control::Impl::mirror_verb(protocol::SetMirror message) {
  Verb verb;
  verb.name = "mirror";
  verb.view = [service = message.service](const state::State& now) { return mirror_json(now, service); };
  verb.change = [message](const state::State& now) {
    std::optional<route::Mirror> wanted;
    if (!message.to.empty()) wanted = route::Mirror{message.to, message.share, message.safe_only};
    auto change = state::set_mirror(now, message.service, wanted);
    if (!change) return change;
    const auto& rollout = now.service(message.service)->rollout;
    if (rollout && rollout->phase == state::RolloutPhase::running && rollout->current().mirror > 0)
      change->notes.push_back("the rollout " + rollout->text() +
                              " mirrors now; this is in force when that step is over");
    return change;
  };
  return verb;
}

asio::awaitable<Result<Changed>> Control::Impl::stop_service(std::shared_ptr<Impl> self, Request request,
                                                             protocol::Stop message) {
  const bool dry = request.options.dry_run;
  const std::string service = message.service;
  Verb verb = hold_verb("stop", service, [message](const state::State& now) {
    return state::stop(now, message.service, message.message);
  });
  auto reply = co_await commit(std::move(request), std::move(verb));
  if (!reply || dry) co_return reply;
  if (announcing.insert(service).second) asio::co_spawn(loop, announce_quiet(self, service), asio::detached);
  reply->more["in_flight"] = under_way(service);
  co_return reply;
}

// --- what awaits them

asio::awaitable<Result<Changed>> Control::pause(Request request, protocol::Pause message) {
  const auto self = impl_;
  co_return co_await self->pause(self, std::move(request), std::move(message));
}

asio::awaitable<Result<Changed>> Control::resume(Request request, protocol::Resume message) {
  const auto self = impl_;
  co_return co_await self->resume(std::move(request), std::move(message));
}

asio::awaitable<Result<Changed>> Control::stop(Request request, protocol::Stop message) {
  const auto self = impl_;
  co_return co_await self->stop_service(self, std::move(request), std::move(message));
}

asio::awaitable<Result<Changed>> Control::set_flag(Request request, protocol::SetFlag message) {
  const auto self = impl_;
  Verb verb = self->flag_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::remove_flag(Request request, protocol::RemoveFlag message) {
  const auto self = impl_;
  Verb verb = self->unflag_verb(std::move(message));
  co_return co_await self->commit(std::move(request), std::move(verb));
}

asio::awaitable<Result<Changed>> Control::mirror(Request request, protocol::SetMirror message) {
  const auto self = impl_;
  Verb verb = self->mirror_verb(message);
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  const state::ServiceState* service = self->state.service(message.service);
  if (reply && service && !message.to.empty() && message.to == service->stable())
    add_note(*reply, message.to + " is the stable pool of " + message.service +
                         ": what it serves itself is not copied, only what goes to the other pools");
  co_return reply;
}

json::object Control::flags() const { return flags_json(impl_->state); }

}  // namespace sluice::change
