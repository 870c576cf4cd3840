#include "control/health/prober.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::health {

namespace asio = boost::asio;
using std::chrono::milliseconds;

// Shared by the prober and the coroutine; the coroutine looks at `stopped` before it touches the prober.
struct Prober::Round {
  Round(asio::any_io_executor loop, const config::HealthCheckSpec& spec)
      : timer(std::move(loop)), check(spec) {}
  asio::steady_timer timer;
  config::HealthCheckSpec check;
  bool stopped = false;
  int hurried = 0;        // so many more come soon
  bool reachable = true;  // it has an address

  void stop() {
    stopped = true;
    timer.cancel();
  }
};

Prober::Prober(asio::any_io_executor loop, HealthRegistry& registry, std::function<std::uint64_t()> random)
    : loop_(std::move(loop)), registry_(registry), random_(std::move(random)) {}

Prober::~Prober() {
  for (auto& [id, round] : rounds_) round->stop();
}

void Prober::adopt(const std::vector<std::uint32_t>& touched) {
  for (const auto id : touched) {
    const MonitoredBackend* backend = registry_.find(id);
    if (backend && backend->check)
      follow(id, *backend);
    else
      forget(id);
  }
}

void Prober::forget(std::uint32_t id) {
  const auto round = rounds_.find(id);
  if (round == rounds_.end()) return;
  round->second->stop();
  rounds_.erase(round);
}

void Prober::follow(std::uint32_t id, const MonitoredBackend& backend) {
  auto& round = rounds_[id];
  if (!round) {
    round = std::make_shared<Round>(loop_, *backend.check);
    round->timer.expires_after(first_delay(*backend.check));
    round->reachable = !backend.to.endpoints.empty();
    asio::co_spawn(loop_, run(id, round), asio::detached);
  } else if (const bool found = !backend.to.endpoints.empty(); found != round->reachable) {
    round->reachable = found;
    round->timer.cancel();
  } else if (!(round->check == *backend.check)) {
    round->check = *backend.check;
    round->timer.cancel();  // the new rhythm begins now
  }
}

asio::awaitable<void> Prober::run(std::uint32_t id, std::shared_ptr<Round> round) {
  while (true) {
    co_await round->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (round->stopped) co_return;
    const auto began = io::Clock::now();
    if (round->reachable) {
      const ProbeResult result = co_await probe_in_turn(id, round);
      if (round->stopped) co_return;
      if (!result.ok && on_failed && !registry_.find(id)->looked_up.empty())
        on_failed(registry_.find(id)->looked_up);
      registry_.observed(id, result, began);
      if (round->stopped) co_return;
    }
    const bool soon = round->hurried > 0 || !registry_.find(id)->probed.health.settled();
    round->hurried = std::max(round->hurried - 1, 0);
    round->timer.expires_at(began + next_probe(round->check.interval, !soon, jitter()));
  }
}

// H4: up when any of its addresses answers as expected. Begins with the last that did.
asio::awaitable<ProbeResult> Prober::probe_in_turn(std::uint32_t id, std::shared_ptr<Round> round) {
  const MonitoredBackend backend = *registry_.find(id);
  const config::HealthCheckSpec check = round->check;
  const std::size_t count = backend.to.endpoints.size(), first = backend.live->good_address.load() % count;
  ProbeResult verdict;
  for (std::size_t tried = 0; tried < count && !round->stopped; ++tried) {
    const std::size_t index = (first + tried) % count;
    io::Destination to = backend.to;
    to.endpoints.assign(1, backend.to.endpoints[index]);
    io::HttpRequest request = probe_request(std::move(to), check);
    const io::HttpAnswer answer = co_await io::fetch(loop_, std::move(request));
    const ProbeResult result = judge(answer, check);
    // An answer says more than that there was none.
    if (tried == 0 || result.ok || answer.status != 0) verdict = result;
    if (result.ok && tried > 0) backend.live->good_address.store(static_cast<std::uint32_t>(index));
    if (result.ok || result.ours) break;
  }
  co_return verdict;
}

void Prober::hurry(std::uint32_t id, int count) {
  const auto round = rounds_.find(id);
  if (round == rounds_.end()) return;
  round->second->hurried = std::max(round->second->hurried, count);
  round->second->timer.cancel();
}

// The first probes come soon, but not all at once.
milliseconds Prober::first_delay(const config::HealthCheckSpec& check) {
  const milliseconds most = std::min(check.interval / 4, milliseconds(200));
  return milliseconds(static_cast<milliseconds::rep>((jitter() + 1) / 2 * static_cast<double>(most.count())));
}

double Prober::jitter() { return static_cast<double>(random_() >> 11) * 0x1p-52 - 1.0; }

}  // namespace sluice::health
