// The shape of an access log's lines, as the configuration names it: json, combined, or a template of its
// fields. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/values.hpp"

namespace sluice {

// In the order of a JSON line.
enum class LogField : std::uint8_t {
  ts,
  request_id,
  client,
  method,
  host,
  path,
  status,
  bytes_in,
  bytes_out,
  duration_ms,
  upstream_ms,
  service,
  pool,
  backend,
  generation,
  sticky,
  attempts,
  error,
  query,
  protocol,
  scheme,
  user_agent,
  referer,
  tls,
  stream,
  grpc_status,
  asset_from
};

inline constexpr std::array<std::string_view, 27> kLogFields = {
    "ts",         "request_id", "client",      "method",      "host",        "path",      "status",
    "bytes_in",   "bytes_out",  "duration_ms", "upstream_ms", "service",     "pool",      "backend",
    "generation", "sticky",     "attempts",    "error",       "query",       "protocol",  "scheme",
    "user_agent", "referer",    "tls",         "stream",      "grpc_status", "asset_from"};

struct LogFormat {
  enum class Kind : std::uint8_t { json, combined, pieces };
  // Text as it stands, then a value.
  struct Piece {
    std::string literal;
    std::optional<LogField> field;
  };
  Kind kind = Kind::json;
  std::vector<Piece> pieces;
};

// "json", "combined" (of Apache and nginx), or a template: each {field} is its value, {{ and }} are braces.
Parsed<LogFormat> parse_log_format(std::string_view text);

}  // namespace sluice
