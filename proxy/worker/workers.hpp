// What can be asked of the workers: an interface, so that control is tested without threads and sockets.
// Every function is called on the control thread; every callback comes back on it, never from inside the
// call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/observe/spans.hpp"
#include "proxy/observe/worker_counters.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/tls/server.hpp"

namespace sluice::worker {

// What a listener shows beside the certificates of its configuration: those that this process has ordered,
// and proofs for an ACME server while it orders one.
struct OwnCertificates {
  std::vector<tls::CertificateFiles> issued;
  std::vector<std::shared_ptr<const tls::ChallengeCertificate>> challenges;
};

// What happens to upgraded connections (WebSocket) of a draining backend (D1).
struct TunnelPolicy {
  enum class Kind : std::uint8_t { wait, spread, now } kind = Kind::wait;
  std::chrono::milliseconds window{60'000};  // for spread: each gets its own random deadline in it
};

// Why the workers end: with the process, or because another one has taken over (D6, D8).
struct Shutdown {
  bool handed_over = false;
  // Then: each tunnel ends at its own moment within; 0: in the second half of the time that there is.
  std::chrono::milliseconds tunnels{0};
  std::uint32_t pace = 0;  // instead of that: so many a second, of all workers together; 0: no
};

// What keeps a drain from being done (D5).
struct Blockers {
  std::size_t requests = 0;
  std::size_t tunnels = 0;
  std::chrono::milliseconds oldest{0};
  std::string oldest_path;
  std::string oldest_client;
};

// Nearly as many methods as a class may have: all that control can ask, in one place.
class Workers {
 public:
  virtual ~Workers() = default;

  virtual std::size_t count() const = 0;
  // Starts the worker threads with the first snapshot.
  virtual void start(route::SnapshotPtr first) = 0;
  // Every worker routes by `next` when `done` is called (C2). Idle connections to backends that left or drain
  // are closed.
  virtual void publish(route::SnapshotPtr next, std::function<void()> done) = 0;

  // Tunnels of these backends end by the policy.
  virtual void close_tunnels(std::vector<std::uint32_t> backend_ids, TunnelPolicy policy) = 0;
  // Of these backends' tunnels on each worker so many, chosen by chance, end at their own moments within the
  // time. `done` gets how many are left of each worker's that nobody has told to end. An empty list: of none.
  virtual void close_some_tunnels(std::vector<std::uint32_t> backend_ids, std::vector<std::size_t> of_each,
                                  std::chrono::milliseconds within,
                                  std::function<void(std::vector<std::size_t>)> done) = 0;
  // Everything still running on these backends is closed; `done` gets how many (D3).
  virtual void abort_in_flight(std::vector<std::uint32_t> backend_ids,
                               std::function<void(std::size_t)> done) = 0;
  virtual void blockers(std::vector<std::uint32_t> backend_ids, std::function<void(Blockers)> done) = 0;

  // A set of listeners becomes another in three steps, and until the last one everything is as it was:
  // prepare binds what is new (an inherited socket with the same address or name first), listen() lets
  // clients come, who wait; take_listeners() hands all of it to the workers, and what is gone closes. What
  // stays is not touched, whatever it is called. prepare and listen give an error ("cannot listen on
  // 0.0.0.0:80 (listener web): Permission denied (errno 13)"), after which forget_listeners() has been
  // called. All may be called before start().
  virtual std::string prepare_listeners(const std::vector<config::ListenerSpec>& listeners) = 0;
  virtual std::string listen() = 0;
  virtual void take_listeners() = 0;
  virtual void forget_listeners() = 0;
  // What `listener` shows from now on, in new handshakes; also of one that is not prepared yet. Nothing else
  // of it changes. An error text, or empty; after an error everything is as it was.
  virtual std::string set_certificates(const std::string& listener, OwnCertificates certificates) = 0;
  // The port a listener is bound to (it may have asked for port 0); 0 when there is no such listener.
  virtual std::uint16_t port_of(const std::string& listener) const = 0;

  // An error text, or empty; after an error everything is as it was.
  virtual std::string set_access_log(const config::AccessLogSpec& spec) = 0;
  virtual void reopen_access_log() = 0;  // SIGUSR1

  // Requests that begin from now on are traced so, or not at all; before anything that is published later.
  // May be called before start().
  virtual void set_tracing(const config::TracingSpec& spec) = 0;
  virtual observe::Spans* spans() = 0;  // that wait to be exported; null: there are never any

  // Shutdown (D6): listeners close, answers carry `Connection: close`, idle clients are closed, tunnels
  // spread over the time left; what is still running at `deadline` is closed. `done` gets how many requests
  // and tunnels had to be.
  virtual void shut_down(std::chrono::milliseconds deadline, Shutdown how,
                         std::function<void(std::size_t)> done) = 0;

  virtual observe::AllWorkers counters() const = 0;      // of the workers since their start
  virtual std::uint64_t access_log_dropped() const = 0;  // lines that the log thread could not keep up with
  // Of all listeners. Null while none has spoken TLS.
  virtual tls::TicketKeys* tickets() const = 0;

  // A backend's consecutive errors reached the service's outlier limit (H3). Set before start().
  std::function<void(std::uint32_t backend_id)> on_suspect;
  // No connection could be made to a backend whose name was looked up (H4). Set before start().
  std::function<void(std::uint32_t backend_id)> on_unreachable;
};

}  // namespace sluice::worker
