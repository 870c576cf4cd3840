// Workers without threads: they remember what they were told, and acknowledge at once or when the test says
// so.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "proxy/worker/workers.hpp"

namespace sluice::change {

class FakeWorkers : public worker::Workers {
 public:
  explicit FakeWorkers(boost::asio::io_context& loop) : loop_(loop) {}

  std::size_t count() const override { return 2; }
  void start(route::SnapshotPtr first) override {
    if (on_start) on_start();
    published.push_back(std::move(first));
  }
  void publish(route::SnapshotPtr next, std::function<void()> done) override {
    published.push_back(std::move(next));
    if (hold_acknowledgements)
      held.push_back(std::move(done));
    else
      boost::asio::post(loop_, std::move(done));
  }
  void acknowledge() {
    for (auto& done : std::exchange(held, {})) boost::asio::post(loop_, std::move(done));
  }
  void close_tunnels(std::vector<std::uint32_t> ids, worker::TunnelPolicy policy) override {
    for (const auto id : ids) tunnels[id] = policy;
  }
  void close_some_tunnels(std::vector<std::uint32_t>, std::vector<std::size_t> of_each,
                          std::chrono::milliseconds,
                          std::function<void(std::vector<std::size_t>)> done) override {
    long_open.resize(count());
    of_each.resize(count());
    closings.push_back(of_each);
    for (std::size_t i = 0; i < count(); ++i) long_open[i] -= std::min(long_open[i], of_each[i]);
    boost::asio::post(loop_, [left = long_open, done = std::move(done)] { done(left); });
  }
  // Ends what runs there, as the workers would.
  void abort_in_flight(std::vector<std::uint32_t> ids, std::function<void(std::size_t)> done) override {
    std::size_t closed = 0;
    for (const auto& service : published.back()->services)
      for (const auto& pool : service.pools)
        for (const auto& backend : pool.backends)
          if (backend.live->id == ids.front()) closed += end_all(*backend.live);
    boost::asio::post(loop_, [closed, done = std::move(done)] { done(closed); });
  }
  void blockers(std::vector<std::uint32_t>, std::function<void(worker::Blockers)> done) override {
    boost::asio::post(loop_, [this, done = std::move(done)] { done(blocking); });
  }
  std::string prepare_listeners(const std::vector<config::ListenerSpec>& wanted) override {
    prepared = wanted;
    return listener_error;
  }
  std::string listen() override { return listener_error; }
  void take_listeners() override { listeners = std::move(prepared); }
  void forget_listeners() override { prepared.clear(); }
  std::string set_certificates(const std::string& listener, worker::OwnCertificates certificates) override {
    own_certificates[listener] = std::move(certificates);
    return {};
  }
  std::string set_access_log(const config::AccessLogSpec& spec) override {
    if (access_log_error.empty()) access_log = spec;
    return access_log_error;
  }
  void reopen_access_log() override { ++reopened; }
  void set_tracing(const config::TracingSpec& spec) override { tracing = spec; }
  observe::Spans* spans() override { return nullptr; }
  void shut_down(std::chrono::milliseconds, worker::Shutdown,
                 std::function<void(std::size_t)> done) override {
    boost::asio::post(loop_, [done = std::move(done)] { done(3); });
  }
  std::uint16_t port_of(const std::string&) const override { return 8080; }
  observe::AllWorkers counters() const override { return {}; }
  std::uint64_t access_log_dropped() const override { return 0; }
  tls::TicketKeys* tickets() const override { return nullptr; }

  std::function<void()> on_start;
  std::vector<route::SnapshotPtr> published;
  bool hold_acknowledgements = false;
  std::vector<std::function<void()>> held;
  std::map<std::uint32_t, worker::TunnelPolicy> tunnels;
  std::vector<config::ListenerSpec> listeners, prepared;
  std::map<std::string, worker::OwnCertificates> own_certificates;
  config::AccessLogSpec access_log;
  std::string listener_error, access_log_error;
  worker::Blockers blocking;
  std::vector<std::size_t> long_open;              // tunnels of each worker
  std::vector<std::vector<std::size_t>> closings;  // what close_some_tunnels() was asked for
  int reopened = 0;
  config::TracingSpec tracing;

 private:
  static std::size_t end_all(observe::BackendLive& live) {
    std::size_t ended = 0;
    for (std::size_t i = 0; i < live.per_worker.size(); ++i) {
      auto& worker = live.per_worker[i];
      ended += worker.in_flight.get();
      worker.in_flight.sub(worker.in_flight.get());
    }
    return ended;
  }
  boost::asio::io_context& loop_;
};

}  // namespace sluice::change
