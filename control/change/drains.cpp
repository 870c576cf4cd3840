#include "control/change/drains.hpp"

#include <algorithm>

namespace sluice::change {

namespace asio = boost::asio;
using std::chrono::milliseconds;

std::uint64_t Drain::clean() const {
  const std::uint64_t left = finished ? 0 : live->in_flight();
  const std::uint64_t not_clean = std::min(at_start, left + forced);
  return at_start - not_clean;
}

Drains::Drains(asio::any_io_executor loop, Workers& workers)
    : loop_(loop), workers_(workers), notifier_(loop), timer_(loop) {}

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
    drain.at_start = drain.live->in_flight();
  }
  if (tunnels.kind != worker::TunnelPolicy::Kind::wait) workers_.close_tunnels({id}, tunnels);
  if (!polling_) look();
}

const Drain* Drains::find(std::uint32_t id) const {
  const auto found = drains_.find(id);
  return found == drains_.end() ? nullptr : &found->second;
}

void Drains::look() {
  const auto now = io::Clock::now();
  for (auto& [id, drain] : drains_) {
    if (drain.finished) continue;
    if (drain.live->in_flight() == 0)
      finish(drain, now);
    else if (!drain.cut && drain.deadline && now >= *drain.deadline)
      cut(id, drain);
  }
  poll();
}

void Drains::finish(Drain& drain, io::Clock::time_point now) {
  drain.finished = true;
  drain.took = std::chrono::duration_cast<milliseconds>(now - drain.began);
  notifier_.notify();
  if (on_finished) on_finished(drain);
}

void Drains::cut(std::uint32_t id, Drain& drain) {
  drain.cut = true;
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
