// worker::Runtime as the Workers that control speaks to.
#pragma once

#include <vector>

#include "control/change/workers.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::daemon {

class RuntimeWorkers : public change::Workers {
 public:
  // `inherited` are offered to the first prepare_listeners(). `runtime` outlives this.
  RuntimeWorkers(worker::Runtime& runtime, std::vector<worker::InheritedSocket> inherited);
  ~RuntimeWorkers() override;

  std::size_t count() const override { return runtime_.workers(); }
  void start(route::SnapshotPtr first) override;
  void publish(route::SnapshotPtr next, std::function<void()> done) override;
  void close_tunnels(std::vector<std::uint32_t> backend_ids, worker::TunnelPolicy policy) override;
  void abort_in_flight(std::vector<std::uint32_t> backend_ids,
                       std::function<void(std::size_t)> done) override;
  void blockers(std::vector<std::uint32_t> backend_ids, std::function<void(worker::Blockers)> done) override;
  std::string prepare_listeners(const std::vector<config::ListenerSpec>& listeners) override;
  std::string listen() override { return runtime_.listen(); }
  void take_listeners() override { runtime_.take_listeners(); }
  void forget_listeners() override { runtime_.forget_listeners(); }
  std::string set_access_log(const config::AccessLogSpec& spec) override;
  void reopen_access_log() override { runtime_.reopen_access_log(); }
  void shut_down(std::chrono::milliseconds deadline, std::function<void(std::size_t)> done) override;
  std::uint16_t port_of(const std::string& listener) const override { return runtime_.port_of(listener); }
  observe::AllWorkers counters() const override { return runtime_.counters(); }
  std::uint64_t access_log_dropped() const override { return runtime_.access_log_dropped(); }
  tls::TicketKeys* tickets() const override { return runtime_.tickets(); }

 private:
  worker::Runtime& runtime_;
  std::vector<worker::InheritedSocket> inherited_;
};

}  // namespace sluice::daemon
