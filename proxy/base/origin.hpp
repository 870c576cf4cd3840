// Where a backend is, as an operator writes it: HOST:PORT, "unix:/run/app.sock", or
// "srv:_http._tcp.web.internal", of which SRV records tell hosts, ports and weights. Pure.
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/values.hpp"

namespace sluice {

inline constexpr std::string_view kUnix = "unix:", kSrv = "srv:";

inline bool is_unix(std::string_view text) { return text.starts_with(kUnix); }
inline bool is_srv(std::string_view text) { return text.starts_with(kSrv); }

// Any of the three. `host` is the path of a socket, or the SRV name, without their scheme; their port is 0.
Parsed<Address> parse_origin(std::string_view text);
// "_http._tcp.web.internal", without the scheme.
Parsed<Address> parse_srv_name(std::string_view name);

}  // namespace sluice
