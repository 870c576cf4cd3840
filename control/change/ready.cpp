// Bringing backends back: `ready` at once, and the way of scripts that restart an instance: seen well first,
// then ready.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/health/eligibility.hpp"
#include "control/io/connection.hpp"
#include "proxy/base/suggest.hpp"

namespace sluice::change {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAgain{100};  // between two tries to connect where nothing probes

}  // namespace

// The operator's word ends an ejection (H3) at once. What still keeps a backend from being used is said.
asio::awaitable<Result<Changed>> Control::ready(Request request, Target target) {
  const auto self = impl_;
  const bool dry_run = request.options.dry_run;
  const std::string by = to_string(request.actor);
  Verb verb = self->admin_verb("ready", target, observe::Admin::ready);
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  if (reply && !dry_run) add_warnings(*reply, self->welcome(target, by));
  co_return reply;
}

asio::awaitable<Result<Changed>> Control::ready_when_healthy(Request request, Target target,
                                                             milliseconds timeout) {
  const auto self = impl_;
  if (auto problem = self->missing_member(target))
    co_return self->refuse(request, "ready", std::move(*problem));
  if (request.options.dry_run) co_return co_await ready(std::move(request), std::move(target));
  const auto limit = io::Clock::now() + timeout;
  const bool healthy = co_await self->wait_until_healthy(target, limit);
  const bool reached = healthy && co_await self->wait_until_reachable(target, limit);
  if (!reached)
    co_return self->refuse(
        request, "ready",
        protocol::timed_out(protocol::to_string(target) + " is not well after " + format_duration(timeout) +
                            ", so nothing was changed: " + self->troubles_of(target)));
  co_return co_await ready(std::move(request), std::move(target));
}

std::vector<std::string> Control::Impl::welcome(const Target& target, const std::string& by) {
  std::vector<std::string> notes;
  for (const route::Backend* backend : backends_of(target)) {
    const std::string name = target.service + "/" + target.pool + "/" + backend->name;
    if (outliers.lift(backend->live->id, "made ready by " + by))
      notes.push_back(name + " is no longer ejected");
    if (backend->live->health.load() == observe::Health::down)
      notes.push_back(target.service + "/" + target.pool + "/" + why_not(*backend, health_registry) +
                      ", it gets no request until " +
                      (backend->endpoints.empty() ? "its name is known" : "its probes are passed"));
  }
  return notes;
}

std::string Control::Impl::troubles_of(const Target& target) const {
  std::vector<std::string> each;
  for (const route::Backend* backend : backends_of(target)) {
    const health::MonitoredBackend* monitored = health_registry.find(backend->live->id);
    const bool probed = monitored && monitored->check;
    if (probed && monitored->probed.error.empty())
      each.push_back(backend->name + " has not passed " + std::to_string(monitored->check->rise) +
                     " probes yet");
    else if (probed || backend->endpoints.empty())
      each.push_back(backend->name + ": " + (monitored ? monitored->probed.error : backend->unresolved));
    else
      each.push_back(backend->name + " takes no connection");
  }
  return list_of(each);
}

// Where nothing probes, a connection is all that can be known.
asio::awaitable<bool> Control::Impl::wait_until_reachable(Target target, io::Clock::time_point limit) {
  asio::steady_timer timer(loop);
  while (true) {
    const bool all = co_await all_take_connections(target);
    if (all) co_return true;
    if (io::Clock::now() + kAgain >= limit) co_return false;
    timer.expires_after(kAgain);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<bool> Control::Impl::all_take_connections(Target target) {
  const route::SnapshotPtr kept = snapshot;
  const auto* service = spec.service(target.service);
  const milliseconds time = service ? service->timeouts.connect : config::TimeoutSpec().connect;
  for (const route::Backend* backend : backends_of(target)) {
    const health::MonitoredBackend* monitored = health_registry.find(backend->live->id);
    if (monitored && monitored->check) continue;
    const bool reached = co_await io::takes_connections(loop, backend->endpoints, time);
    if (!reached) co_return false;
  }
  co_return true;
}

}  // namespace sluice::change
