#include "control/change/paces.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "proxy/route/query.hpp"

namespace sluice::change {

namespace asio = boost::asio;

namespace {

double seconds_between(io::Clock::time_point from, io::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::size_t sum_of(const std::vector<std::size_t>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::size_t{0});
}

bool holds(const std::vector<std::uint32_t>& ids, std::uint32_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

void add(TargetCounts& sum, const observe::BackendLive& backend) {
  for (const auto& worker : backend.per_worker)
    sum +=
        {worker.requests.get(), worker.errors.get(),      worker.connects.get(), worker.connect_micros.get(),
         worker.opened.get(),   worker.open_micros.get(), worker.opening.get()};
}

}  // namespace

Paces::Paces(asio::any_io_executor loop, worker::Workers& workers) : timer_(loop), workers_(workers) {}

Paces::~Paces() { *alive_ = false; }

void Paces::begin(std::string service, std::vector<std::uint32_t> backends, std::uint32_t rate,
                  route::SnapshotPtr now) {
  follow(std::move(now));
  keep_only([&backends](std::uint32_t id) { return !holds(backends, id); });
  if (backends.empty()) return;
  TargetCounts drained;
  if (const auto* routed = find_service(*now_, service))
    for (const auto& pool : routed->pools)
      for (const auto& backend : pool.backends)
        if (holds(backends, backend.live->id)) add(drained, *backend.live);
  Target target = target_of(service);
  PaceControl control(rate, target.counts, drained);
  const auto time = io::Clock::now();
  paces_.push_back(std::make_shared<Pace>(
      Pace{std::move(service), std::move(backends), std::move(control), std::move(target), time, time}));
  close_some(paces_.back());  // of none: to learn how many there are
  if (!ticking_) wait();
}

void Paces::keep_only(const std::function<bool(std::uint32_t)>& drains) {
  for (const auto& pace : paces_)
    std::erase_if(pace->backends, [&](std::uint32_t id) { return !drains(id); });
  std::erase_if(paces_, [](const auto& pace) { return pace->backends.empty(); });
}

std::optional<protocol::PaceStatus> Paces::of(std::uint32_t backend) const {
  for (const auto& pace : paces_) {
    if (!holds(pace->backends, backend)) continue;
    const PaceControl& control = pace->control;
    const std::size_t left = sum_of(pace->open);
    return protocol::PaceStatus{control.asked(), control.rate(), left, time_at(control.rate(), left),
                                control.slowed()};
  }
  return std::nullopt;
}

void Paces::wait() {
  ticking_ = !paces_.empty();
  if (!ticking_) return;
  timer_.expires_after(kTick);
  timer_.async_wait([this, alive = alive_](boost::system::error_code failure) {
    if (!failure && *alive) tick();
  });
}

void Paces::tick() {
  const auto now = io::Clock::now();
  for (const auto& pace : paces_) {
    if (now - pace->looked >= PaceControl::kInterval) look(*pace, now);
    // What could not be told for a while is not told all at once.
    const double rate = pace->control.rate();
    pace->due = std::min(pace->due + rate * seconds_between(pace->ticked, now), std::max(1.0, rate));
    pace->ticked = now;
    if (!pace->asks) close_some(pace);
  }
  wait();
}

// When others get the connections than at the last look, these are looked at from now on.
void Paces::look(Pace& pace, io::Clock::time_point now) const {
  Target target = target_of(pace.service);
  if (target.backends == pace.target.backends) pace.control.look(since(pace.target.counts, target.counts));
  pace.target = std::move(target);
  pace.looked = now;
}

// Nothing is saved up for connections that are not there yet, such as calls that are about to be long ones.
void Paces::close_some(const std::shared_ptr<Pace>& pace) {
  const std::size_t open = sum_of(pace->open);
  const std::size_t whole = std::min(static_cast<std::size_t>(pace->due), open);
  pace->due = open > whole ? pace->due - static_cast<double>(whole) : std::min(pace->due, 1.0);
  pace->asks = true;
  workers_.close_some_tunnels(pace->backends, share_out(whole, pace->open, random_), kTick,
                              [asked = std::weak_ptr(pace)](std::vector<std::size_t> left) {
                                const auto known = asked.lock();
                                if (!known) return;
                                known->open = std::move(left);
                                known->asks = false;
                              });
}

// The backends of pools with a share that take requests.
Paces::Target Paces::target_of(const std::string& service) const {
  Target target;
  const auto* routed = find_service(*now_, service);
  if (!routed) return target;
  for (const auto& pool : routed->pools) {
    if (pool.share == 0) continue;
    for (const auto& backend : pool.backends) {
      if (!route::eligible_in(pool, backend)) continue;
      add(target.counts, *backend.live);
      target.backends.push_back(backend.live->id);
    }
  }
  return target;
}

}  // namespace sluice::change
