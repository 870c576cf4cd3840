#include "proxy/exchange/forwarding.hpp"

namespace sluice::exchange {

http::ForwardContext forward_context(const client::ClientInfo& info, const RequestId& id, const Plan& plan,
                                     const route::Backend& to, User& user, std::string& flags) {
  http::ForwardContext forward;
  forward.client_ip = info.peer_address;
  forward.trusted = info.trusted;
  forward.proto = info.secure ? "https" : "http";
  forward.identity = info.identity;
  forward.request_id = id.text;
  forward.strip_prefix = plan.strip_prefix;
  forward.default_host = to.authority;
  forward.random = id.random;
  forward.trace_id = id.trace_id();
  if (!plan.routed().flags.empty()) {
    flags.clear();
    route::append_flags(flags, plan.routed().flags, user.key());
    forward.feature_flags = flags;
  }
  if (plan.has_preview_token) forward.drop_cookie = route::kPreviewCookie;
  return forward;
}

}  // namespace sluice::exchange
