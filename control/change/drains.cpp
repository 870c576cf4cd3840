#include "control/change/drains.hpp"

#include <algorithm>
#include <utility>

#include "control/change/invocation.hpp"
#include "control/change/targets.hpp"

namespace sluice::change {

namespace asio = boost::asio;
using std::chrono::milliseconds;

std::uint64_t Drain::clean() const {
  const std::uint64_t left = finished ? 0 : live->in_flight_anywhere();
  const std::uint64_t not_clean = std::min(at_start, left + forced);
  return at_start - not_clean;
}

Drains::Drains(asio::any_io_executor loop, worker::Workers& workers)
    : loop_(loop), workers_(workers), notifier_(loop), paces_(loop, workers), timer_(loop) {}

Drains::~Drains() { *alive_ = false; }

void Drains::begin(protocol::Target target, std::shared_ptr<observe::BackendLive> live,
                   std::optional<io::Clock::time_point> deadline, worker::TunnelPolicy tunnels,
                   bool removing) {
  const std::uint32_t id = live->id;
  const auto [place, is_new] = drains_.try_emplace(id);
  Drain& drain = place->second;
  drain.removing = drain.removing || removing;
  if (is_new) {
    drain.target = std::move(target);
    drain.live = std::move(live);
    drain.deadline = deadline;
    drain.began = io::Clock::now();
    drain.at_start = drain.live->in_flight_anywhere();
  }
  if (tunnels.kind != worker::TunnelPolicy::Kind::wait) workers_.close_tunnels({id}, tunnels);
  if (!polling_) look();
}

void Drains::follow(const InForce& now, const std::optional<DrainWish>& wish) {
  const route::SnapshotPtr before = std::exchange(followed_, now.snapshot);
  const auto* wished = wish ? now.routed(wish->target.service) : nullptr;
  each_change(*before, *followed_, [&](const route::Service*, const route::Service& service) {
    if (&service != wished) begin_those_of(now, service, wish);
  });
  if (wished) begin_those_of(now, *wished, wish);  // also when it drains already
  paces_.follow(followed_);
  if (wish && wish->pace > 0) begin_pace(now, *wish);
  keep_only([&now](const Drain& drain) {
    const auto* service = now.routed(drain.target.service);
    const auto* pool = service ? find_pool(*service, drain.target.pool) : nullptr;
    return pool && std::ranges::any_of(pool->backends, [&drain](const route::Backend& backend) {
             return backend.live == drain.live && backend.admin == observe::Admin::draining;
           });
  });
}

void Drains::begin_pace(const InForce& now, const DrainWish& wish) {
  std::vector<std::uint32_t> ids;
  for (const route::Backend* backend : backends_of(now, wish.target)) {
    const Drain* drain = find(backend->live->id);
    if (drain && !drain->finished) ids.push_back(backend->live->id);
  }
  paces_.begin(wish.target.service, std::move(ids), wish.pace, followed_);
}

void Drains::end_paces() {
  paces_.keep_only([this](std::uint32_t id) {
    const Drain* drain = find(id);
    return drain && !drain->finished;
  });
}

void Drains::begin_those_of(const InForce& now, const route::Service& service,
                            const std::optional<DrainWish>& wish) {
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      if (backend.admin != observe::Admin::draining) continue;
      const protocol::Target target{service.spec.name, pool.name, backend.name};
      const bool wished = wish && wish->target.service == target.service &&
                          wish->target.pool == target.pool && names(wish->target, backend);
      if (!wished && find(backend.live->id)) continue;
      std::optional<io::Clock::time_point> deadline;
      const auto* kept = now.state.service(target.service)->pool(target.pool)->backend_of(target.backend);
      if (const auto until = kept ? kept->member(backend.address).drain_deadline : std::nullopt)
        deadline = io::Clock::now() + milliseconds(*until - unix_milliseconds());
      begin(target, backend.live, deadline, wished ? wish->tunnels : worker::TunnelPolicy{},
            wished && wish->removing);
    }
}

const Drain* Drains::find(std::uint32_t id) const {
  const auto found = drains_.find(id);
  return found == drains_.end() ? nullptr : &found->second;
}

void Drains::look() {
  const auto now = io::Clock::now();
  for (auto& [id, drain] : drains_) {
    if (drain.finished) continue;
    if (drain.live->in_flight_anywhere() == 0)
      finish(drain, now);
    else if (!drain.aborted && drain.deadline && now >= *drain.deadline)
      abort(id, drain);
  }
  poll();
}

void Drains::finish(Drain& drain, io::Clock::time_point now) {
  drain.finished = true;
  end_paces();
  drain.took = std::chrono::duration_cast<milliseconds>(now - drain.began);
  notifier_.notify();
  if (on_finished) on_finished(drain);
}

void Drains::abort(std::uint32_t id, Drain& drain) {
  drain.aborted = true;
  workers_.abort_in_flight({id}, [this, id, alive = alive_](std::size_t closed) {
    if (!*alive) return;
    const auto found = drains_.find(id);
    if (found != drains_.end()) found->second.forced += closed;
  });
}

void Drains::poll() {
  polling_ = any_open();
  if (!polling_) return;
  timer_.expires_after(kPoll);
  timer_.async_wait([this, alive = alive_](boost::system::error_code failure) {
    if (!failure && *alive) look();
  });
}

bool Drains::any_open() const {
  return std::any_of(drains_.begin(), drains_.end(),
                     [](const auto& entry) { return !entry.second.finished; });
}

}  // namespace sluice::change
