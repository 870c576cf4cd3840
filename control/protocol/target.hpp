// How pools and backends are named: SERVICE/POOL and SERVICE/POOL/BACKEND; and percent-encoding, which
// carries the same names through URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::protocol {

struct Target {
  std::string service;
  std::string pool;
  std::string backend;  // empty: the whole pool
  bool operator==(const Target&) const = default;

  // In the path of a request (describe.hpp).
  static void names(auto& self, auto& visit) {
    visit("service", self.service);
    visit("pool", self.pool);
    visit("backend", self.backend);
  }
};

// Nothing unless `text` is SERVICE/POOL or SERVICE/POOL/BACKEND with no part empty. A backend may have
// slashes in its name: "unix:/run/app.sock", "web/10.0.0.7:8000".
std::optional<Target> parse_target(std::string_view text);
std::string to_string(const Target& target);

std::string percent_encode(std::string_view text);
// Nothing when a % is not followed by two hexadecimal digits, or for a zero byte. `+` stays as it is.
std::optional<std::string> percent_decode(std::string_view text);

using Query = std::vector<std::pair<std::string, std::string>>;
std::string query_text(const Query& query);               // "?a=1&b=2", or empty
std::optional<Query> parse_query(std::string_view text);  // without the "?"

}  // namespace sluice::protocol
