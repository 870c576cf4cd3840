#include "proxy/exchange/own_answer.hpp"

namespace sluice::exchange {

OwnAnswer answer_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::connect:
      return {502, "connect", "No connection to a backend could be made.\n", GrpcStatus::unavailable};
    case FailureKind::unprocessed:
    case FailureKind::reset:
      return {502, "reset", "The backend closed the connection before it had answered.\n",
              GrpcStatus::unavailable};
    case FailureKind::protocol:
      return {502, "protocol", "The backend's answer is no valid HTTP.\n", GrpcStatus::unknown};
    case FailureKind::no_tunnel:
      return {501, "upgrade", "The backend speaks HTTP/2 and opens no WebSockets over it.\n",
              GrpcStatus::unimplemented};
    case FailureKind::status:
      return {502, "protocol", "The backend failed.\n", GrpcStatus::unavailable};
    case FailureKind::timeout:
      return {504, "timeout", "The backend did not answer in time.\n", GrpcStatus::deadline_exceeded};
    case FailureKind::no_route:
      return {404, "no_route", "No route matches this request.\n", GrpcStatus::unimplemented};
    case FailureKind::no_backend:
      return {503, "no_backend", "No backend is available.\n", GrpcStatus::unavailable};
    case FailureKind::disabled:
      return {503, "no_backend", "This service could not be set up; see sluicectl status.\n",
              GrpcStatus::unavailable};
    case FailureKind::overload:
      return {503, "overload", "Too many requests are under way.\n", GrpcStatus::unavailable};
    case FailureKind::rate:
      return {429, "limit", "Too many requests; come back later.\n", GrpcStatus::resource_exhausted};
    case FailureKind::drained:
      return {504, "timeout", "The backend was drained before it had answered.\n", GrpcStatus::unavailable};
    case FailureKind::paused:
      return {503, "paused", "This service is paused; try again in a moment.\n", GrpcStatus::unavailable};
    case FailureKind::stopped:
      return {503, "stopped", "This service is stopped.\n", GrpcStatus::unavailable};
    case FailureKind::malformed:
      return {400, "malformed", "The request's body is malformed.\n", GrpcStatus::internal};
    case FailureKind::too_slow:
      return {408, "timeout", "The request's body took too long to arrive.\n", GrpcStatus::deadline_exceeded};
    case FailureKind::too_large:
      return {413, "body", "The request's body is too large.\n", GrpcStatus::resource_exhausted};
    case FailureKind::gone:
      return {0, "client", "", GrpcStatus::cancelled};
    case FailureKind::none:
      break;
  }
  return {};
}

}  // namespace sluice::exchange
