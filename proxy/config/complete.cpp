#include "proxy/config/complete.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

Share written_share(const ServiceSpec& service, const std::string& pool) {
  if (service.split.empty()) return kWhole;  // of the only pool there is
  for (const auto& [name, share] : service.split)
    if (name == pool) return share;
  return 0;
}

void complete_split(ServiceSpec& service) {
  std::vector<std::pair<std::string, Share>> split;
  for (const auto& pool : service.pools) split.emplace_back(pool.name, written_share(service, pool.name));
  service.split = std::move(split);
}

// The pool with the largest share; the first written of equals.
std::string largest_pool(const ServiceSpec& service) {
  const auto smaller = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(service.split.begin(), service.split.end(), smaller)->first;
}

// S10: a visitor whom the issued cookie knows is known by it also when he has logged in.
void complete_sticky(StickySpec& sticky, const std::string& service) {
  if (sticky.salt.empty()) sticky.salt = service;
  if (sticky.issue_cookie.name.empty()) return;
  const StickyKey issued{StickyKey::From::cookie, sticky.issue_cookie.name};
  if (std::find(sticky.keys.begin(), sticky.keys.end(), issued) == sticky.keys.end())
    sticky.keys.insert(sticky.keys.begin(), issued);
}

}  // namespace

void complete(Spec& spec) {
  for (auto& service : spec.services) {
    complete_split(service);
    if (service.stable.empty()) service.stable = largest_pool(service);
    if (service.sticky) complete_sticky(*service.sticky, service.name);
  }
}

}  // namespace sluice::config
