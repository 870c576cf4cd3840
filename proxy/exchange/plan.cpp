#include "proxy/exchange/plan.hpp"

#include "proxy/base/client_key.hpp"
#include "proxy/base/hash.hpp"

namespace sluice::exchange {
namespace {

// Index of the pool that `listener` fixes for service `service`, or -1.
int fixed_pool(const route::Snapshot& snapshot, std::string_view listener, std::size_t service) {
  for (const auto& fixed : snapshot.listener_pools) {
    if (fixed.listener != listener) continue;
    for (const auto& [fixed_service, pool] : fixed.pools)
      if (fixed_service == service) return static_cast<int>(pool);
  }
  return -1;
}

// The pool that the request's token leads to, or -1.
int preview_pool(Plan& plan, const http::RequestHead& head, std::int64_t (*now)()) {
  const auto& key = plan.view->snapshot->preview_key;
  if (!key) return -1;
  const auto token = route::preview_token(head);
  plan.has_preview_token = !token.empty();
  if (!plan.has_preview_token) return -1;
  const auto preview = route::preview_of(*key, plan.routed(), token, now());
  plan.preview_ignored = preview.ignored;
  return preview.pool;
}

// G6: a pool that has tripped its breaker, or may have no more unproven requests, is not asked.
void pass_breaker(Plan& plan) {
  if (!plan.is_watched() || route::is_override(plan.decision.by)) return;
  plan.breaker = plan.routed().breaker->enter(plan.decision.place, plan.is_alone());
  plan.is_kept_out = plan.breaker == observe::Breaker::Entry::refused;
  if (plan.is_kept_out) plan.decision.pool = plan.routed().rescue;
}

}  // namespace

Failure match_route(Plan& plan, const http::RequestHead& head) {
  const auto match = plan.view->snapshot->routes->find(head);
  if (!match) return {FailureKind::no_route, Side::proxy};
  plan.place = match->service;
  plan.service = &plan.view->service(plan.place);
  plan.strip_prefix = match->strip_prefix;
  if (!plan.routed().disabled.empty()) return {FailureKind::disabled, Side::proxy};
  return {};
}

std::uint64_t take_rate(const Plan& plan, const http::RequestHead& head, std::string_view client_address,
                        std::chrono::microseconds now) {
  const route::Service& service = plan.routed();
  if (!service.rates) return 0;
  const config::RateLimitSpec& limit = *service.spec.rate_limit;
  const std::string_view key = route::sticky_key(limit.key, head, client_address);
  const bool by_address = key.data() == client_address.data();
  const std::uint64_t hash = by_address ? client_key(client_address) : hash64("rate", "", key);
  return service.rates->take(hash, static_cast<std::uint64_t>(now.count()), limit.period_micros, limit.burst);
}

void decide(Plan& plan, const client::ClientStream& client, std::int64_t (*now)()) {
  const route::Service& service = plan.routed();
  const std::string_view address = client.info().address;
  const int fixed = fixed_pool(*plan.view->snapshot, client.info().listener, plan.place);
  const int preview = preview_pool(plan, client.head(), now);
  plan.decision = route::decide(service, client.head(), address, fixed, preview);
  pass_breaker(plan);
  plan.chosen = &plan.service->pools[plan.decision.pool];
  if (service.spec.balance == config::Balance::hash) {
    const std::string_view key = plan.decision.sticky_key.empty() ? address : plan.decision.sticky_key;
    plan.key_hash = hash64("backend", service.spec.name, key);
  }
}

}  // namespace sluice::exchange
