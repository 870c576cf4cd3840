// The vocabulary of HTTP/2's connections: roles, streams, error codes (RFC 9113 7). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::h2 {

using StreamId = std::int32_t;  // 31 bits; 0 is the connection

enum class Role : std::uint8_t { server, client };

enum class ErrorCode : std::uint32_t {
  no_error = 0,
  protocol_error,
  internal_error,
  flow_control_error,
  settings_timeout,
  stream_closed,
  frame_size_error,
  refused_stream,
  cancel,
  compression_error,
  connect_error,
  enhance_your_calm,
  inadequate_security,
  http_1_1_required,
};

// As logs and metrics name it: "PROTOCOL_ERROR"; "UNKNOWN" for a code that no RFC has.
std::string_view name_of(ErrorCode code);

}  // namespace sluice::h2
