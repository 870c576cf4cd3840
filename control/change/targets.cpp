#include "control/change/targets.hpp"

#include <algorithm>

#include "control/state/apply.hpp"
#include "proxy/base/suggest.hpp"

namespace sluice::change {

bool names(const protocol::Target& target, const route::Backend& backend) {
  return target.backend.empty() || target.backend == backend.name ||
         (!backend.group.empty() && target.backend == backend.group);
}

std::vector<const route::Backend*> backends_of(const InForce& now, const protocol::Target& target) {
  std::vector<const route::Backend*> found;
  const route::Service* service = now.routed(target.service);
  const route::Pool* pool = service ? find_pool(*service, target.pool) : nullptr;
  if (!pool) return found;
  for (const auto& backend : pool->backends)
    if (names(target, backend)) found.push_back(&backend);
  return found;
}

std::optional<protocol::Problem> missing_member(const state::State& now, const io::Resolver& resolver,
                                                const protocol::Target& target) {
  if (auto problem = state::missing(now, target)) return problem;
  const state::PoolState& pool = *now.service(target.service)->pool(target.pool);
  if (target.backend.empty() || pool.backend(target.backend)) return std::nullopt;
  const state::BackendState& whole = *pool.backend_of(target.backend);
  std::vector<std::string> members;
  for (const auto& endpoint : resolver.find(whole.address))
    members.push_back(whole.name + "/" + io::to_string(endpoint));
  if (std::find(members.begin(), members.end(), target.backend) != members.end()) return std::nullopt;
  return protocol::not_found(quoted(whole.name) + " has no address " +
                                 quoted(whole.member_in(target.backend)) + " now" +
                                 (members.empty() ? "" : "; there are " + list_of(members)),
                             protocol::did_you_mean(target.backend, members));
}

}  // namespace sluice::change
