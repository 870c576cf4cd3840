// What control asks of the workers: worker::Runtime behind an interface, so that control is tested without
// threads and sockets. Control thread only; callbacks come back on it, never from inside the call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::change {

class Workers {
 public:
  virtual ~Workers() = default;

  virtual std::size_t count() const = 0;
  virtual void start(route::SnapshotPtr first) = 0;
  // `done` when every worker routes by `next` (C2).
  virtual void publish(route::SnapshotPtr next, std::function<void()> done) = 0;
  virtual void close_tunnels(std::vector<std::uint32_t> backend_ids, worker::TunnelPolicy policy) = 0;
  virtual void abort_in_flight(std::vector<std::uint32_t> backend_ids,
                               std::function<void(std::size_t)> done) = 0;
  virtual void blockers(std::vector<std::uint32_t> backend_ids,
                        std::function<void(worker::Blockers)> done) = 0;
  // As worker::Runtime: bound, then open to clients, then in the workers' hands; forgotten instead, nothing
  // has happened.
  virtual std::string prepare_listeners(const std::vector<config::ListenerSpec>& listeners) = 0;
  virtual std::string listen() = 0;
  virtual void take_listeners() = 0;
  virtual void forget_listeners() = 0;
  // An error text, or empty; after an error everything is as it was.
  virtual std::string set_access_log(const config::AccessLogSpec& spec) = 0;
  virtual void reopen_access_log() = 0;
  // D6; `done` gets how many requests and tunnels had to be closed at the deadline.
  virtual void shut_down(std::chrono::milliseconds deadline, std::function<void(std::size_t)> done) = 0;
  virtual std::uint16_t port_of(const std::string& listener) const = 0;
  virtual observe::AllWorkers counters() const = 0;  // of the workers since their start
  virtual std::uint64_t access_log_dropped() const = 0;
  // Null while no listener has spoken TLS.
  virtual tls::TicketKeys* tickets() const = 0;

  // A backend's consecutive errors reached the service's limit (H3). Set by control before start().
  std::function<void(std::uint32_t backend_id)> on_suspect;
  // No connection to a backend could be made whose address was looked up (H4). Set by control before start().
  std::function<void(std::uint32_t backend_id)> on_unreachable;
};

}  // namespace sluice::change
