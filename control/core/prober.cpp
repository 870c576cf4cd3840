#include "control/core/prober.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::core {

namespace asio = boost::asio;
using std::chrono::milliseconds;

// Shared by the prober and the coroutine; the coroutine looks at `stopped` before it touches the prober.
struct Prober::Round {
  Round(asio::any_io_executor loop, const config::HealthCheckSpec& spec)
      : timer(std::move(loop)), check(spec) {}
  asio::steady_timer timer;
  config::HealthCheckSpec check;
  bool stopped = false;

  void stop() {
    stopped = true;
    timer.cancel();
  }
};

Prober::Prober(asio::any_io_executor loop, HealthBoard& board, std::function<std::uint64_t()> random)
    : loop_(std::move(loop)), board_(board), random_(std::move(random)) {}

Prober::~Prober() {
  for (auto& [id, round] : rounds_) round->stop();
}

void Prober::adopt() {
  std::erase_if(rounds_, [this](auto& entry) {
    const Watched* backend = board_.find(entry.first);
    if (backend && backend->check) return false;
    entry.second->stop();
    return true;
  });
  for (const auto& [id, backend] : board_.all()) {
    if (!backend.check) continue;
    auto& round = rounds_[id];
    if (!round) {
      round = std::make_shared<Round>(loop_, *backend.check);
      round->timer.expires_after(first_delay(*backend.check));
      asio::co_spawn(loop_, run(id, round), asio::detached);
    } else if (!(round->check == *backend.check)) {
      round->check = *backend.check;
      round->timer.cancel();  // the new rhythm begins now
    }
  }
}

asio::awaitable<void> Prober::run(std::uint32_t id, std::shared_ptr<Round> round) {
  while (true) {
    co_await round->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (round->stopped) co_return;
    const Watched* backend = board_.find(id);
    const route::Endpoint endpoint = backend->endpoint;
    const std::string address = backend->address;
    const ProxyVersion proxy_protocol = backend->proxy_protocol;
    const config::HealthCheckSpec check = round->check;
    const auto tls = backend->tls;
    const auto began = Clock::now();
    const ProbeResult result = co_await probe(loop_, endpoint, address, check, proxy_protocol, tls);
    if (round->stopped) co_return;
    board_.observed(id, result);
    backend = board_.find(id);
    round->timer.expires_at(began + next_probe(round->check.interval, backend->probed.settled(), jitter()));
  }
}

// The first probes come soon, but not all at once.
milliseconds Prober::first_delay(const config::HealthCheckSpec& check) {
  const milliseconds most = std::min(check.interval / 4, milliseconds(200));
  return milliseconds(static_cast<milliseconds::rep>((jitter() + 1) / 2 * static_cast<double>(most.count())));
}

double Prober::jitter() { return static_cast<double>(random_() >> 11) * 0x1p-52 - 1.0; }

}  // namespace sluice::core
