// One worker thread: its poller, listeners, client connections, backends and counters. Nothing here is shared
// but the live counters; control speaks to it by post(), which goes through its mailbox.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "proxy/client/connection.hpp"
#include "proxy/exchange/handler.hpp"
#include "proxy/upstream/protocol_connector.hpp"
#include "proxy/worker/mailbox.hpp"
#include "proxy/worker/runtime.hpp"
#include "proxy/worker/trimmer.hpp"

namespace sluice::worker {

// How a listener goes: at once, or at once for all who share its socket, or when the handshakes that are
// under way are over.
enum class Leave : std::uint8_t { close, stop_listening, linger };
// A handshake over the internet takes less, and its SYN-ACK is repeated after one second.
constexpr std::chrono::seconds kLinger{3};

class Worker {
 public:
  // One of `workers`.
  Worker(std::size_t index, std::size_t workers);
  ~Worker();  // as join()

  // Ends every client connection, then the thread. Control thread; join() waits for it.
  void end();
  void join();

  // Before start(), or by post(). Takes `fd`, a listening socket; `id` is of all workers' sockets of one
  // listener.
  void add_listener(std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info, int fd);
  void update_listener(std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info);
  void remove_listener(std::uint64_t id, Leave how);

  void start(route::SnapshotPtr first);
  // Runs `work` on the worker's thread; at once when it has not started. Control thread.
  void post(std::function<void()> work);
  // Likewise from any thread, never at once.
  void enqueue(std::function<void()> work);

  // On the worker's thread.
  void adopt(route::SnapshotPtr snapshot);
  void close_tunnels(const std::vector<std::uint32_t>& ids, TunnelPolicy policy);
  // How many are left that nobody has told to end.
  std::size_t close_some_tunnels(const std::vector<std::uint32_t>& ids, std::size_t count,
                                 std::chrono::milliseconds within);
  std::size_t abort_in_flight(const std::vector<std::uint32_t>& ids);
  Blockers blockers(const std::vector<std::uint32_t>& ids);
  // Closes the listeners and ends what is idle; `done` gets how many connections had to be closed at the
  // deadline. After `handed_over`, another process has the listeners: clients that are idle are not met by a
  // close while they speak, but leave with their next answer, or one by one.
  void shut_down(std::chrono::milliseconds deadline, Shutdown how, std::function<void(std::size_t)> done);

  client::WorkerContext& context() { return context_; }
  exchange::Context& exchange() { return exchange_; }

 private:
  class Listener;

  void forget(Listener& listener);
  void close_listeners(bool handed_over);
  void run();
  void tick(net::Clock::time_point now);
  std::size_t connections() const;  // of clients, those included whose PROXY headers have not come yet
  void close_connections();
  void end_tunnels(std::chrono::milliseconds deadline, Shutdown how);
  std::chrono::milliseconds time_at_pace(std::uint32_t of_all);
  void watch_shutdown();
  void end_some_idle(net::Clock::time_point now);
  void abort_all(std::size_t left);

  const std::size_t workers_;
  client::WorkerContext context_;
  Trimmer trimmer_;
  upstream::ProtocolConnector connector_{context_.poller, context_.wheel,
                                         context_.counters.backend_handshakes};
  exchange::Context exchange_{context_, connector_};
  exchange::Handler handler_{exchange_};
  Mailbox mail_{context_.poller};
  const net::Clock::time_point started_ = net::Clock::now();
  client::ConnectionHook connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::thread thread_;
  bool ended_ = false;

  net::Clock::time_point shutdown_deadline_{};
  std::chrono::milliseconds shutdown_time_{0};        // from its beginning to that
  std::optional<net::Clock::time_point> idle_until_;  // after retire(): by then no client is idle here
  std::function<void(std::size_t)> shutdown_done_;
  std::optional<std::size_t> cut_;                // connections at the deadline
  std::optional<net::Clock::time_point> end_at_;  // the destructor waits; at this moment it waits no longer
};

}  // namespace sluice::worker
