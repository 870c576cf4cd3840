// Requests that are refused before they are requests: the words of the answer, and the access log's line.
// Worker only.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/client/connection.hpp"
#include "proxy/http/refusal.hpp"

namespace sluice::client {

// A client speaks HTTP in clear to a port that speaks TLS.
inline constexpr http::Refusal kClearText{400, "plain_http"};

std::string_view explanation(const http::Refusal& refusal);

// `came`: all that came of the request. It began at `began`, and was answered with a body of `bytes_out`.
void log_refusal(const Connection& connection, const http::Refusal& refusal, std::string_view came,
                 net::Clock::time_point began, std::size_t bytes_out);

// The same for a stream, whose head could be read and was answered.
void log_refusal(const Connection& connection, const ClientStream& stream, std::string_view reason,
                 net::Clock::time_point began);

}  // namespace sluice::client
