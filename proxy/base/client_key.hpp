// Whom an address stands for when connections and requests are counted: an IPv4 address, or the /64 of an
// IPv6 address, since a host has its /64 to choose addresses from (RFC 8981). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// A hash; of the text itself when it is no address.
std::uint64_t client_key(std::string_view address);

}  // namespace sluice
