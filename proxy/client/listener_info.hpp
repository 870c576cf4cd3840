// A listener as its connections see it: its configuration, and what is made of that. Shared by the
// workers; constant but for the counts, which a reload carries over.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "proxy/config/spec.hpp"
#include "proxy/http1/head_scanner.hpp"
#include "proxy/observe/client_table.hpp"
#include "proxy/tls/server.hpp"

namespace sluice::client {

struct ListenerInfo {
  config::ListenerSpec spec;
  std::shared_ptr<const tls::ServerContext> tls;  // null: clear text
  // Open connections, of all workers.
  std::shared_ptr<std::atomic<std::uint32_t>> connections = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::shared_ptr<observe::ClientTable>
      clients;  // connections by client; null without max_connections_per_client

  http1::HeadLimits head_limits() const { return {spec.max_header_bytes, spec.max_target, spec.max_headers}; }
};

}  // namespace sluice::client
