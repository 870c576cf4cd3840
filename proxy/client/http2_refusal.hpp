// The access log's line of a request over HTTP/2 that was refused before it was one. Worker only.
#pragma once

#include <string_view>

#include "proxy/client/connection.hpp"
#include "proxy/client/http2_stream.hpp"

namespace sluice::client {

void log_refusal(const Connection& connection, const Http2Stream& stream, std::string_view reason);

}  // namespace sluice::client
