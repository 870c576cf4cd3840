#include "proxy/route/assets.hpp"

#include <algorithm>

namespace sluice::route {
namespace {

bool says_missing(const config::AssetSpec& assets, int status) {
  return std::ranges::find(assets.on, status) != assets.on.end();
}

}  // namespace

bool is_asset(const config::ServicePolicies& spec, std::string_view path) {
  return spec.assets && std::ranges::any_of(spec.assets->match, [path](const std::string& prefix) {
           return path.starts_with(prefix);
         });
}

bool is_missing_asset(const config::ServicePolicies& spec, const http::RequestHead& head, int status) {
  if (!spec.assets || !says_missing(*spec.assets, status) || !is_asset(spec, head.path)) return false;
  return (head.is_head || head.method == "GET") && head.body == http::BodyLength::none &&
         head.upgrade.empty();
}

bool is_better(const config::AssetSpec& assets, int status) {
  return status < 500 && !says_missing(assets, status);
}

}  // namespace sluice::route
