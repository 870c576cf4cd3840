// What an active probe asks of a backend (H2), and what its answer says: the head of the final answer
// decides. Pure.
#pragma once

#include <string>

#include "control/io/http_client.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::health {

struct ProbeResult {
  bool ok = false;
  bool ours = false;  // nothing was learned of the backend: this process is out of descriptors or ports (X7)
  std::string what;   // "status 200", "connect: Connection refused", "no answer within 1s"
};

io::HttpRequest probe_request(io::Destination to, const config::HealthCheckSpec& spec);
// A check of type grpc counts by what the health service says; a probe of another type by its status.
ProbeResult judge(const io::HttpAnswer& answer, const config::HealthCheckSpec& spec);

}  // namespace sluice::health
