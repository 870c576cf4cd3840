#include "proxy/exchange/placement.hpp"

#include <algorithm>

#include "proxy/route/balance.hpp"

namespace sluice::exchange {

Placement::Placement(Context& context, const Plan& plan, const Attempts& attempts,
                     client::ClientStream& client, upstream::Activity& activity)
    : context_(context), plan_(plan), attempts_(attempts), client_(client), activity_(activity) {}

bool Placement::claim() {
  if (claim_login()) return true;
  const config::ServicePolicies& spec = plan_.spec();
  const bool many = asked_->pool->backends.size() > upstream::kMaxCandidates;
  const std::uint64_t random = many ? context_.random.next() : 0;
  const upstream::Selection selection =
      upstream::select_backend({*asked_->pool, spec.balance, spec.slow_start, *asked_->round_robin,
                                plan_.key_hash, attempts_.tried(), random});
  if (selection.kind == upstream::Selection::Kind::full) full_ = asked_;
  if (selection.kind != upstream::Selection::Kind::backend) return false;
  take(*asked_, selection.index);
  return true;
}

void Placement::take(const upstream::WorkerPool& pool, std::size_t index) {
  last_ = &pool.pool->backends[index];
  claim_ = upstream::Claim(*pool.backends[index], activity_);
  claimed_in_ = &pool;
}

void Placement::move_to(const upstream::WorkerPool& pool, std::size_t index) {
  release();
  take(pool, index);
}

// R4: the backend where this client connection is logged in, as long as requests may go there. When another
// pool is asked now, or that backend takes no more requests, the login ends.
bool Placement::claim_login() {
  upstream::Logins& logins = client_.logins();
  const upstream::Backend* const mine = logins.at(plan_.live());
  if (!mine) return false;
  const auto found = std::find_if(asked_->backends.begin(), asked_->backends.end(),
                                  [mine](const auto& known) { return known.get() == mine; });
  const auto index = static_cast<std::size_t>(found - asked_->backends.begin());
  const route::Pool& pool = *asked_->pool;
  if (found == asked_->backends.end() || !route::eligible(pool.backends[index], route::pool_has_up(pool))) {
    logins.end(plan_.live());
    return false;
  }
  // A full backend is no reason to end the login: this request asks another one, or waits for a slot.
  if (pool.backends[index].full()) return false;
  take(*asked_, index);
  return true;
}

void Placement::release() {
  if (!claim_) return;
  if (Concurrency::release(claim_, *last_, plan_.live()))
    context_.offer_slot(QueueKey(*claimed_in_->pool->live));
}

}  // namespace sluice::exchange
