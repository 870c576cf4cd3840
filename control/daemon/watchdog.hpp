// Whether this process works, for the service manager's watchdog: not only the thread that tells it, but
// every worker has answered since the last time. When one of them hangs nothing is told, and the manager
// starts the service anew. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>

#include "proxy/worker/workers.hpp"

namespace sluice::daemon {

// How often, when the manager wants to hear within `limit`. When it does not say, it may have been told later
// (systemctl daemon-reload).
std::chrono::milliseconds watchdog_pace(std::chrono::microseconds limit);

// Calls `alive` at that pace, as long as the loop runs. The workers outlive it.
boost::asio::awaitable<void> watch_workers(boost::asio::any_io_executor loop, worker::Workers& workers,
                                           std::chrono::milliseconds pace, std::function<void()> alive);

}  // namespace sluice::daemon
