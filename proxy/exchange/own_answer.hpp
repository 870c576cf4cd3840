// What the proxy itself answers when a request fails: one function turns a failure into a status (CONTRACT,
// Headers). Pure.
#pragma once

#include <string_view>

#include "proxy/base/failure.hpp"
#include "proxy/base/grpc_status.hpp"

namespace sluice::exchange {

struct OwnAnswer {
  int status = 0;           // 0: nothing is sent, the client is gone
  std::string_view reason;  // of X-Sluice-Error and of the access log
  std::string_view text;
  GrpcStatus grpc = GrpcStatus::unknown;  // what a gRPC call gets instead of `status`
};
OwnAnswer answer_for(FailureKind kind);

}  // namespace sluice::exchange
