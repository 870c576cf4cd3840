// X-Forwarded-*: who the client is when trusted proxies stand in front of us. Pure.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/network.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

// The rightmost address that is no trusted proxy's: each trusted hop is believed about the one before it.
// Empty members say nothing. Where a hop says no address, or there is nothing left, it is the last one
// believed. Requires: `source` is trusted.
Ip forwarded_client(const Fields& fields, const Ip& source, std::span<const Network> trusted);

// What trusted proxies say, of a list its first member; empty when they say nothing or it makes no sense.
std::string_view forwarded_proto(const Fields& fields);  // "http" or "https", also for ws and wss
std::string_view forwarded_host(const Fields& fields);
std::string_view forwarded_port(const Fields& fields);

}  // namespace sluice::http
