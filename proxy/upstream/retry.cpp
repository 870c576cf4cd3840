#include "proxy/upstream/retry.hpp"

#include <algorithm>

namespace sluice::upstream {
namespace {

bool retried_status(const config::RetrySpec& spec, int status) {
  return std::find(spec.on_status.begin(), spec.on_status.end(), status) != spec.on_status.end();
}

bool retried_call(const config::RetrySpec& spec, GrpcStatus status, bool rescuable) {
  if (rescuable && class_of(status) == GrpcClass::pool_error) return true;
  return std::find(spec.on_grpc.begin(), spec.on_grpc.end(), status) != spec.on_grpc.end();
}

bool listed(const config::RetrySpec& spec, const Attempt& failed, const RequestTraits& request) {
  switch (failed.kind) {
    case FailureKind::connect:
      return spec.on_connect;
    case FailureKind::unprocessed:
      return spec.on_connect || spec.on_reset;
    case FailureKind::reset:
    case FailureKind::protocol:  // garbage is as good as no answer; only what is safe to repeat goes further
      return spec.on_reset;
    case FailureKind::timeout:
      return failed.phase == Phase::connecting ? spec.on_connect : spec.on_timeout;
    case FailureKind::status:
      if (failed.grpc) return retried_call(spec, *failed.grpc, request.rescuable);
      return retried_status(spec, failed.status) || (request.rescuable && failed.status >= 500);
    case FailureKind::no_tunnel:
    case FailureKind::none:
    case FailureKind::no_route:
    case FailureKind::no_backend:
    case FailureKind::overload:
    case FailureKind::rate:
    case FailureKind::disabled:
    case FailureKind::drained:
    case FailureKind::paused:
    case FailureKind::stopped:
    case FailureKind::malformed:
    case FailureKind::too_slow:
    case FailureKind::too_large:
    case FailureKind::gone:
      return false;
  }
  return false;
}

}  // namespace

RetryKind may_retry(const config::RetrySpec& spec, const Attempt& failed, const RequestTraits& request,
                    int counted_attempts) {
  if (!listed(spec, failed, request)) return RetryKind::no;
  if (!request.body_kept) return RetryKind::no;
  if (failed.phase == Phase::connecting) return RetryKind::free;  // R3, too
  if (!request.idempotent && !failed.grpc) return RetryKind::no;
  const bool stale = failed.kind == FailureKind::reset && failed.phase == Phase::sent && failed.reused;
  if (stale) return RetryKind::free;
  return counted_attempts < spec.attempts ? RetryKind::counted : RetryKind::no;
}

bool budget_allows(const config::RetrySpec& spec, std::uint64_t retrying, std::uint64_t in_flight) {
  constexpr double kFloor = 3;  // R1
  return static_cast<double>(retrying) < std::max(kFloor, spec.budget * static_cast<double>(in_flight));
}

}  // namespace sluice::upstream
