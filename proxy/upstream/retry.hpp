// R1, R2: may this request be sent again, and does that count? Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/base/failure.hpp"
#include "proxy/base/grpc_status.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::upstream {

// How far an attempt had come when it failed.
enum class Phase : std::uint8_t {
  connecting,  // nothing was sent
  sent,        // bytes of the request went out, none of an answer came
  answered,    // a head (or part of one) came; nothing of it went to the client
};

struct Attempt {
  Phase phase = Phase::connecting;
  FailureKind kind = FailureKind::none;
  int status = 0;       // of FailureKind::status
  bool reused = false;  // the connection had served before
  // Of FailureKind::status: a gRPC call ended with this before its first message. Such a call may be made
  // again, whatever its method: gRPC's own clients do so.
  std::optional<GrpcStatus> grpc = {};
};

struct RequestTraits {
  bool idempotent = false;
  bool body_kept = true;   // all that has come of it can be sent again
  bool rescuable = false;  // R2: another pool stands by, so every failed answer is worth another try
};

enum class RetryKind : std::uint8_t {
  no,
  free,     // nothing reached a backend, or an idle connection turned out dead: no attempt is used up, the
            // budget is not asked
  counted,  // one of `attempts`, and the budget must allow it
};

RetryKind may_retry(const config::RetrySpec& spec, const Attempt& failed, const RequestTraits& request,
                    int counted_attempts);

// R1's budget: `retrying` attempts after the first are under way among `in_flight` requests.
bool budget_allows(const config::RetrySpec& spec, std::uint64_t retrying, std::uint64_t in_flight);

}  // namespace sluice::upstream
