// The workers and what they share: their threads, the listeners, the access log. Control thread only.
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
#include "proxy/worker/workers.hpp"

namespace sluice::exchange {
class QueueKey;
}
namespace sluice::worker {

class Worker;

// Listening sockets of one address: passed in by a service manager (LISTEN_FDS, one of them), or by the
// process whose place this one takes (as many as it had workers), or those that are open here.
struct ListeningSockets {
  std::vector<int> fds;
  std::string name;  // of the listener; of a service manager's (LISTEN_FDNAMES) may be empty
  std::string bind;  // as that listener has it; of a service manager's empty while none has used it
  bool lent = true;  // by a service manager, which keeps them
};

struct RuntimeOptions {
  std::size_t workers = 1;
  config::AccessLogSpec access_log;
  std::vector<ListeningSockets> inherited;  // offered to the first prepare_listeners()
};

class Runtime final : public Workers {
 public:
  // Has a function run on the control thread, later. Any thread.
  using PostToControl = std::function<void(std::function<void()> work)>;
  Runtime(PostToControl control, RuntimeOptions options);
  ~Runtime() override;  // stops and joins the workers

  std::size_t count() const override { return workers_.size(); }
  void start(route::SnapshotPtr first) override;
  void publish(route::SnapshotPtr next, std::function<void()> done) override;
  void close_tunnels(std::vector<std::uint32_t> backend_ids, TunnelPolicy policy) override;
  void close_some_tunnels(std::vector<std::uint32_t> backend_ids, std::vector<std::size_t> of_each,
                          std::chrono::milliseconds within,
                          std::function<void(std::vector<std::size_t>)> done) override;
  void abort_in_flight(std::vector<std::uint32_t> backend_ids,
                       std::function<void(std::size_t)> done) override;
  void blockers(std::vector<std::uint32_t> backend_ids, std::function<void(Blockers)> done) override;
  std::string prepare_listeners(const std::vector<config::ListenerSpec>& listeners) override;
  std::string listen() override;
  void take_listeners() override;
  void forget_listeners() override;
  std::string set_certificates(const std::string& listener, OwnCertificates certificates) override;
  std::uint16_t port_of(const std::string& listener) const override;
  std::string set_access_log(const config::AccessLogSpec& spec) override;
  void reopen_access_log() override;
  void set_tracing(const config::TracingSpec& spec) override;
  observe::Spans* spans() override;
  void shut_down(std::chrono::milliseconds deadline, Shutdown how,
                 std::function<void(std::size_t)> done) override;
  // All that are open here, for another process; the descriptors stay ours.
  std::vector<ListeningSockets> listening() const;
  observe::AllWorkers counters() const override;
  std::uint64_t access_log_dropped() const override;
  tls::TicketKeys* tickets() const override;

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
