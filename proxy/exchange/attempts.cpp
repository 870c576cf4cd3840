#include "proxy/exchange/attempts.hpp"

#include <algorithm>

#include "proxy/route/balance.hpp"

namespace sluice::exchange {

using upstream::RetryKind;

namespace {

bool within_budget(const RetryQuestion& question) {
  std::uint64_t retrying = 0;
  for (const auto& worker : question.live.per_worker) retrying += worker.retry_in_flight.get();
  return upstream::budget_allows(question.spec, retrying,
                                 question.live.in_flight.load(std::memory_order_relaxed));
}

}  // namespace

// The next attempt goes to another backend of the same pool; the last one of a canary's request goes to the
// rescuer (R2). A backend whose idle connection was dead is asked once more on a fresh one when there is no
// other: it may be well.
Attempts::Next Attempts::plan_retry(const upstream::Attempt& failed, std::uint32_t tried,
                                    const RetryQuestion& question) {
  if (static_cast<std::size_t>(begun_) >= kMost) return Next::give_up;
  const bool rescuable = question.spec.rescue_stable && &question.asked != &question.rescuer;
  const upstream::RequestTraits traits{question.idempotent, question.body_kept, rescuable};
  const RetryKind kind = upstream::may_retry(question.spec, failed, traits, counted_ + 1);
  if (kind == RetryKind::no) return Next::give_up;
  if (failed.kind == FailureKind::unprocessed) return plan_unprocessed(tried, question, rescuable);
  // The breaker lets so few of a bad pool's requests fail that their rescue needs no budget (G6).
  const bool needs_budget = kind == RetryKind::counted && !(rescuable && question.watched);
  if (needs_budget && !within_budget(question)) return Next::give_up;

  remember(tried, kind == RetryKind::free && failed.phase != upstream::Phase::connecting);
  const bool last = kind == RetryKind::counted && counted_ + 2 >= question.spec.attempts;
  Next next = Next::same_pool;
  if (rescuable && (last || !serves(question.asked)) && serves(question.rescuer)) {
    next = Next::rescuer;
  } else if (!serves(question.asked) && (!forget_stale() || !serves(question.asked))) {
    return Next::give_up;
  }
  // The free ones take no room in the budget: when a backend dies, so many idle connections are dead at once
  // that none would be left for the request whose connection was new.
  if (kind == RetryKind::counted) ++counted_;
  return next;
}

// R3. A backend that leaves may be back at once, and one that is full has room again: the first time the
// choice is free, then another backend is preferred.
Attempts::Next Attempts::plan_unprocessed(std::uint32_t tried, const RetryQuestion& question,
                                          bool rescuable) {
  if (++unprocessed_ > kMostUnprocessed) return Next::give_up;
  if (unprocessed_ == 1) return Next::same_pool;
  remember(tried, false);
  if (serves(question.asked)) return Next::same_pool;
  if (rescuable && serves(question.rescuer)) return Next::rescuer;
  --tried_count_;
  return serves(question.asked) ? Next::same_pool : Next::give_up;
}

bool Attempts::serves(const route::Pool& pool) const {
  const bool has_up = route::pool_has_up(pool);
  return std::any_of(pool.backends.begin(), pool.backends.end(), [&](const route::Backend& backend) {
    const auto known = tried();
    return route::eligible(backend, has_up) &&
           std::find(known.begin(), known.end(), backend.live->id) == known.end();
  });
}

void Attempts::remember(std::uint32_t id, bool stale) {
  const std::size_t slot = std::min<std::size_t>(tried_count_, kMost - 1);
  tried_[slot] = id;
  stale_[slot] = stale;
  tried_count_ = static_cast<std::uint16_t>(slot + 1);
}

// Those of which only an idle connection was dead may be asked again, on fresh ones. False: there are none,
// or that was done before.
bool Attempts::forget_stale() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tried_count_; ++i)
    if (!stale_[i]) tried_[kept++] = tried_[i];
  const bool any = kept < tried_count_ && !fresh_only_;
  stale_.reset();
  tried_count_ = static_cast<std::uint16_t>(kept);
  fresh_only_ = true;
  return any;
}

}  // namespace sluice::exchange
