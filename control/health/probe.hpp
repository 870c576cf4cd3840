// One active probe (H2): an HTTP/1.1 GET on a connection of its own, judged by the head of its final answer.
// Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "control/io/fetch.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::health {

struct ProbeResult {
  bool ok = false;
  bool ours = false;  // nothing was learned of the backend: this process is out of descriptors or ports (X7)
  std::string what;   // "200", "connect: Connection refused", "no answer within 1s"
};

// `tls` null: in clear. Never throws; takes at most spec.timeout.
boost::asio::awaitable<ProbeResult> probe(boost::asio::any_io_executor loop, route::Endpoint endpoint,
                                          std::string address, config::HealthCheckSpec spec,
                                          ProxyVersion proxy_protocol = ProxyVersion::off,
                                          std::shared_ptr<const tls::ClientContext> tls = nullptr);

io::FetchRequest probe_request(const std::string& address, const config::HealthCheckSpec& spec);
ProbeResult judge(const io::Fetched& answer, const config::HealthCheckSpec& spec);

}  // namespace sluice::health
