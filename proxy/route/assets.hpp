// Which requests are for files that another version's pool may have (config::AssetSpec). Pure.
#pragma once

#include <string_view>

#include "proxy/config/spec.hpp"
#include "proxy/http/message.hpp"

namespace sluice::route {

// The service has `assets`, and this path is one of them: its answer may be kept by caches, so that nothing
// in it may say which version, or which user, it belongs to.
bool is_asset(const config::ServicePolicies& spec, std::string_view path);

// The pool that answered `status` to this request for an asset does not have it, and another one may be
// asked: the request is safe to repeat and has no body.
bool is_missing_asset(const config::ServicePolicies& spec, const http::RequestHead& head, int status);

// `status` of another pool is what the client gets instead.
bool is_better(const config::AssetSpec& assets, int status);

}  // namespace sluice::route
