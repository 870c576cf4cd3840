// What is known of an answered request.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::observe {

struct AccessNumbers {
  std::int64_t wall_micros = 0;  // when the request's head was complete, Unix time
  std::uint64_t generation = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // bodies; of a request that was refused unread all that came
  std::uint32_t duration_micros = 0;
  std::uint32_t upstream_micros = 0;  // from the last attempt's start to its answer's head
  std::uint16_t status = 0;           // sent to the client; 0: none, it left
  std::uint16_t attempts = 0;
  std::uint32_t stream = 0;      // of HTTP/2: its id; 0: another protocol
  std::int8_t grpc_status = -1;  // of a gRPC call; -1: none was sent
};

// The views need last only until the record is in the ring. What is not known is empty.
struct AccessRecord : AccessNumbers {
  std::string_view request_id, client, method, host, path, service, pool, backend, sticky, error;
  std::string_view query;                // without the '?'
  std::string_view protocol;             // "HTTP/1.1"
  std::string_view scheme;               // "http", "https": what the client spoke, also to a trusted proxy
  std::string_view user_agent, referer;  // fields of the request
  std::string_view tls;                  // version of this connection's TLS, "TLSv1.3"; empty: clear text
  std::string_view
      asset_from;  // the pool that had what the chosen one had not; empty: none was asked, or none had it
};

constexpr std::size_t kAccessTexts = 17;

inline std::array<std::string_view*, kAccessTexts> texts_of(AccessRecord& r) {
  return {&r.request_id, &r.client,     &r.method,  &r.host,  &r.path,      &r.service,
          &r.pool,       &r.backend,    &r.sticky,  &r.error, &r.query,     &r.protocol,
          &r.scheme,     &r.user_agent, &r.referer, &r.tls,   &r.asset_from};
}

}  // namespace sluice::observe
