// What is known of a span: a request as its client sees it, or one attempt of it as its backend does.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::observe {

using TraceId = std::array<char, 32>;  // hexadecimal digits, in lower case
using SpanId = std::array<char, 16>;

struct SpanNumbers {
  enum class Kind : std::uint8_t {
    server,  // of the request
    client,  // of an attempt, or of a copy (M1)
  };

  TraceId trace_id{};
  SpanId span_id{}, parent_id{};
  bool has_parent = false;
  std::int64_t began = 0, ended = 0;  // nanoseconds, Unix time
  std::uint64_t generation = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // bodies; of a server span
  Kind kind = Kind::server;
  std::uint8_t flags = 0;      // of the trace, as in a traceparent
  std::uint16_t status = 0;    // of the answer; 0: there was none
  std::uint16_t attempts = 0;  // of the request; of an attempt its number, from 1
  std::int8_t grpc_status = -1;
  bool is_grpc = false;
  bool failed = false;  // as the pool's counters take it (G4)
  bool is_rescue = false, is_copy = false;
};

// The views need last only until the record is in the ring. What is not known is empty.
struct SpanRecord : SpanNumbers {
  std::string_view method, path, service, pool;
  std::string_view error;  // why it failed, a word of X-Sluice-Error; empty: its status says so
  // of a server span
  std::string_view scheme, host, route, client, protocol, user_agent, request_id, decision, trace_state;
  std::string_view peer;  // who connected; of a client span to where
  // of a client span
  std::string_view backend;
  std::string_view authority;  // "HOST:PORT" of the backend
};

inline std::array<std::string_view*, 17> texts_of(SpanRecord& r) {
  return {&r.method,   &r.path,        &r.service, &r.pool,     &r.error,      &r.scheme,
          &r.host,     &r.route,       &r.client,  &r.protocol, &r.user_agent, &r.request_id,
          &r.decision, &r.trace_state, &r.peer,    &r.backend,  &r.authority};
}

}  // namespace sluice::observe
