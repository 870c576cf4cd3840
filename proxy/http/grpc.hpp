// gRPC over HTTP/2 as the proxy has to know it: which request is a call, how it
// ended, how long it may take, how a text is written into grpc-message. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/grpc_status.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

// A Content-Type of gRPC: application/grpc, with a suffix such as +proto and parameters or without. Not
// gRPC-Web, which is another protocol over HTTP/1.1.
bool is_grpc(std::string_view content_type);

// By a grpc-status field of these; nothing when there is none. One that is malformed is `unknown`, as is a
// number that nobody has given a name.
std::optional<GrpcStatus> grpc_status(std::span<const Field> fields);
// The head of an answer that is whole: a call that ended before its first message ("Trailers-Only").
bool is_trailers_only(const ResponseHead& head);

// The value of grpc-timeout: one to eight digits and a unit. Nothing when it is malformed. Rounded up to a
// millisecond; nothing is longer than kLongestGrpcTimeout.
inline constexpr std::chrono::milliseconds kLongestGrpcTimeout = std::chrono::hours(24 * 365);
std::optional<std::chrono::milliseconds> parse_grpc_timeout(std::string_view value);

// grpc-retry-pushback-ms: how long the server wants another attempt to wait. Negative when it wants none,
// which a value that is no number says, too. Nothing when there is no such field.
std::optional<std::chrono::milliseconds> grpc_pushback(std::span<const Field> fields);

// `text` for grpc-message: what is no printable ASCII, and '%', as %XX.
std::string encode_grpc_message(std::string_view text);

// What an answer of the proxy's own with `status` (of HTTP) says to a gRPC client.
GrpcStatus grpc_status_for(int status);

}  // namespace sluice::http
