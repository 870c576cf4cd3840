// Which hosts a certificate covers (RFC 6125 6.4): exact names, a wildcard for exactly one label, addresses.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tls {

// `host` as it is compared: without port, brackets and final dot. Views into `authority`.
std::string_view bare_host(std::string_view authority);
// Any case. `pattern` is a name, "*.example.com" or an address.
bool covers(std::string_view pattern, std::string_view bare_host);
std::string lower(std::string_view text);

}  // namespace sluice::tls
