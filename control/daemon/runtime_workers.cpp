#include "control/daemon/runtime_workers.hpp"

#include <utility>

#include "control/daemon/signal_mask.hpp"

namespace sluice::daemon {

RuntimeWorkers::RuntimeWorkers(worker::Runtime& runtime, std::vector<worker::InheritedSocket> inherited)
    : runtime_(runtime), inherited_(std::move(inherited)) {
  runtime_.on_suspect = [this](std::uint32_t id) {
    if (on_suspect) on_suspect(id);
  };
  runtime_.on_unreachable = [this](std::uint32_t id) {
    if (on_unreachable) on_unreachable(id);
  };
}

RuntimeWorkers::~RuntimeWorkers() { runtime_.on_suspect = runtime_.on_unreachable = nullptr; }

// Signals are for the main thread only, not for those that these two may start.
void RuntimeWorkers::start(route::SnapshotPtr first) {
  const SignalsBlocked blocked;
  runtime_.start(std::move(first));
}

std::string RuntimeWorkers::set_access_log(const config::AccessLogSpec& spec) {
  const SignalsBlocked blocked;
  return runtime_.set_access_log(spec);
}

void RuntimeWorkers::publish(route::SnapshotPtr next, std::function<void()> done) {
  runtime_.publish(std::move(next), std::move(done));
}

void RuntimeWorkers::close_tunnels(std::vector<std::uint32_t> backend_ids, worker::TunnelPolicy policy) {
  runtime_.close_tunnels(std::move(backend_ids), policy);
}

void RuntimeWorkers::abort_in_flight(std::vector<std::uint32_t> backend_ids,
                                     std::function<void(std::size_t)> done) {
  runtime_.abort_in_flight(std::move(backend_ids), std::move(done));
}

void RuntimeWorkers::blockers(std::vector<std::uint32_t> backend_ids,
                              std::function<void(worker::Blockers)> done) {
  runtime_.blockers(std::move(backend_ids), std::move(done));
}

std::string RuntimeWorkers::prepare_listeners(const std::vector<config::ListenerSpec>& listeners) {
  return runtime_.prepare_listeners(listeners, std::exchange(inherited_, {}));
}

void RuntimeWorkers::shut_down(std::chrono::milliseconds deadline, std::function<void(std::size_t)> done) {
  runtime_.shut_down(deadline, std::move(done));
}

}  // namespace sluice::daemon
