// A stream that speaks one protocol, served as one of another. Whoever serves it includes no more than this:
// while g++ sees but one kind of ClientStream, it guesses at each call that this is the one. Worker only.
#pragma once

#include "proxy/base/task.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/grpc_web/content_type.hpp"

namespace sluice::client {

// `client`, which has sent `call`, as a client of gRPC. Both outlive the task.
Task<void> serve_as_grpc(ClientStream& client, grpc_web::Call call, StreamHandler& handler);

}  // namespace sluice::client
