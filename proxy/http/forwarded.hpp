// X-Forwarded-*: who the client is when trusted proxies stand in front of us. Pure.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/network.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

// The rightmost address that is no trusted proxy's: each trusted proxy is believed about the address before
// its own. Empty members say nothing. Where a proxy says no address, or the list is at its end, the client is
// the last address that was believed. Requires: `source` is trusted.
Ip forwarded_client(const Fields& fields, const Ip& source, std::span<const Network> trusted);

// What trusted proxies say; of a list the first member. Empty when they say nothing, or nothing that makes
// sense.
std::string_view forwarded_proto(const Fields& fields);  // "http" or "https", also for ws and wss
std::string_view forwarded_host(const Fields& fields);
std::string_view forwarded_port(const Fields& fields);

}  // namespace sluice::http
