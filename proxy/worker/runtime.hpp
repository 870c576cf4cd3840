// The workers as control sees them. Every function is called on the control thread, every callback comes back
// on it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/net/bind.hpp"
#include "proxy/observe/worker_counters.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::exchange {
class QueueKey;
}
namespace sluice::tls {
class ServerContext;
class TicketKeys;
}  // namespace sluice::tls

namespace sluice::worker {

class Worker;

// What happens to upgraded connections (WebSocket) of a draining backend (D1).
struct TunnelPolicy {
  enum class Kind : std::uint8_t { wait, spread, now } kind = Kind::wait;
  std::chrono::milliseconds window{60'000};  // for spread: each gets its own random deadline in it
};

// What keeps a drain from being done (D5).
struct Blockers {
  std::size_t requests = 0;
  std::size_t tunnels = 0;
  std::chrono::milliseconds oldest{0};
  std::string oldest_path;
  std::string oldest_client;
};

struct InheritedSocket {  // from LISTEN_FDS
  int fd = -1;
  std::string name;  // from LISTEN_FDNAMES, may be empty
};

struct RuntimeOptions {
  std::size_t workers = 1;
  config::AccessLogSpec access_log;
};

class Runtime {
 public:
  // Has a function run on the control thread, later. Any thread.
  using PostToControl = std::function<void(std::function<void()> work)>;
  Runtime(PostToControl control, RuntimeOptions options);
  ~Runtime();  // stops and joins the workers

  // A set of listeners becomes another in three steps, and until the last one everything is as it was:
  // prepare binds what is new (an inherited socket with the same address or name first), listen() lets
  // clients come, who wait; take_listeners() hands all of it to the workers, and what is gone closes. What
  // stays is not touched, whatever it is called. prepare and listen give an error ("cannot listen on
  // 0.0.0.0:80 (listener web): Permission denied (errno 13)"), after which forget_listeners() has been
  // called. All may be called before start().
  std::string prepare_listeners(const std::vector<config::ListenerSpec>& listeners,
                                std::vector<InheritedSocket> inherited = {});
  std::string listen();
  void take_listeners();
  void forget_listeners();
  // The port a listener is bound to (it may have asked for port 0); 0 when there is no such listener.
  std::uint16_t port_of(const std::string& listener) const;
  std::string set_access_log(const config::AccessLogSpec& spec);  // error text, or empty
  void reopen_access_log();                                       // SIGUSR1

  // Starts the worker threads with the first snapshot.
  void start(route::SnapshotPtr first);
  // Every worker routes by `next` when `done` is called (C2). Idle connections to backends that left or drain
  // are closed.
  void publish(route::SnapshotPtr next, std::function<void()> done);

  // Tunnels of these backends end by the policy.
  void close_tunnels(std::vector<std::uint32_t> backend_ids, TunnelPolicy policy);
  // Everything still running on these backends is closed; `done` gets how many (D3).
  void abort_in_flight(std::vector<std::uint32_t> backend_ids, std::function<void(std::size_t)> done);
  void blockers(std::vector<std::uint32_t> backend_ids, std::function<void(Blockers)> done);

  // A backend's consecutive errors reached the service's outlier limit (H3); set before start().
  std::function<void(std::uint32_t backend_id)> on_suspect;
  // No connection could be made to a backend whose name was looked up (H4); set before start().
  std::function<void(std::uint32_t backend_id)> on_unreachable;

  // Shutdown (D6): listeners close, answers carry `Connection: close`, idle clients are closed, tunnels
  // spread over the time left; what is still running at `deadline` is closed. `done` gets how many had to be.
  void shut_down(std::chrono::milliseconds deadline, std::function<void(std::size_t)> done);

  std::size_t workers() const { return workers_.size(); }
  observe::AllWorkers counters() const;
  std::uint64_t access_log_dropped() const;  // lines that the log thread could not keep up with
  // Of all its listeners. Null while none has spoken TLS.
  tls::TicketKeys* tickets() const;

 private:
  struct Impl;
  void offer(exchange::QueueKey key, std::size_t index, std::size_t left);

  const PostToControl control_;
  RuntimeOptions options_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<Impl>
      impl_;  // what outlives the runtime on its way to control asks whether this is still there
};

}  // namespace sluice::worker
