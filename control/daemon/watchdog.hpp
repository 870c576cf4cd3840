// Tells the service manager that this process works: not only the thread that tells it, but every worker has
// answered since the last time. When one of them hangs nothing is told, and the manager starts the service
// anew. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "control/daemon/notify.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::daemon {

// How often, when the manager wants to hear within `limit`. When it does not say, it may have been told later
// (systemctl daemon-reload).
std::chrono::milliseconds watchdog_pace(std::chrono::microseconds limit);

// As long as the loop runs. Both outlive it.
boost::asio::awaitable<void> tell_watchdog(boost::asio::any_io_executor loop, worker::Workers& workers,
                                           const Notify& notify);

}  // namespace sluice::daemon
