#include "control/health/probe.hpp"

namespace sluice::health {

io::HttpRequest probe_request(io::Destination to, const config::HealthCheckSpec& spec) {
  io::HttpRequest request;
  request.host = spec.host.empty() ? to.address : spec.host;
  request.to = std::move(to);
  request.target = spec.path;
  request.agent = "sluice-health";
  request.limit = spec.timeout;
  request.most_body = 0;  // the head says it all
  return request;
}

ProbeResult judge(const io::HttpAnswer& answer, const config::HealthCheckSpec& spec) {
  if (answer.status == 0) return {false, answer.ours, answer.problem};
  const bool expected = answer.status >= spec.expect_low && answer.status <= spec.expect_high;
  return {expected, false, "status " + std::to_string(answer.status)};
}

}  // namespace sluice::health
