#include "control/health/probe.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <utility>

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::health {

namespace asio = boost::asio;

asio::awaitable<ProbeResult> probe(asio::any_io_executor loop, route::Endpoint endpoint, std::string address,
                                   config::HealthCheckSpec spec, ProxyVersion proxy_protocol,
                                   std::shared_ptr<const tls::ClientContext> tls) {
  io::FetchRequest request = probe_request(address, spec);
  request.to = endpoint;
  request.tls = std::move(tls);
  request.proxy_protocol = proxy_protocol;
  const io::Fetched answer = co_await fetch(loop, std::move(request));
  co_return judge(answer, spec);
}

io::FetchRequest probe_request(const std::string& address, const config::HealthCheckSpec& spec) {
  io::FetchRequest request;
  request.address = address;
  request.host = spec.host.empty() ? address : spec.host;
  request.target = spec.path;
  request.agent = "sluice-health";
  request.limit = spec.timeout;
  request.most_body = 0;  // the head says it all
  return request;
}

ProbeResult judge(const io::Fetched& answer, const config::HealthCheckSpec& spec) {
  if (answer.status == 0) return {false, answer.ours, answer.problem};
  const bool expected = answer.status >= spec.expect_low && answer.status <= spec.expect_high;
  return {expected, false, "status " + std::to_string(answer.status)};
}

}  // namespace sluice::health
