// Which backend, and whether another try (R1, R2, S9). Claims before anything is suspended.
#include <algorithm>
#include <utility>

#include "proxy/route/balance.hpp"
#include "proxy/session/exchange.hpp"

namespace sluice::session {

using upstream::RetryKind;
using upstream::WorkerPool;

namespace {

// Looked at per choice; a larger pool is looked at from a random place on.
constexpr std::size_t kMaxCandidates = 64;

// Not initialised: only the few that are filled are read, and clearing them all showed in the cost of a
// request.
union CandidateRoom {
  CandidateRoom() {}
  route::Candidate items[kMaxCandidates];
};

std::int64_t steady_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now().time_since_epoch()).count();
}

}  // namespace

bool Exchange::choose() {
  full_ = nullptr;
  if (claim_from(*target_)) return true;
  if (tries_ == 0 && !full_) {
    // S9: the chosen pool cannot serve; its share is not quietly given away, it failed.
    chosen_counters().no_backend.add();
    count_attempt({FailureKind::no_backend, Side::proxy}, 0);
  }
  const WorkerPool& rescuer = service_->pools[service_->service->rescue];
  if (target_ == &rescuer || !spec().retries.rescue_stable) return false;
  target_ = &rescuer;
  tried_count_ = 0;
  return claim_from(rescuer);
}

Failure Exchange::nobody() const {
  return {full_ ? FailureKind::overload : FailureKind::no_backend, Side::proxy};
}

// Takes a place on an eligible backend that was not tried yet. False: there is none. D2: a drain is seen here
// at once (the live state is read), and is not reported done before this worker has adopted it and every
// claim made until then is released.
bool Exchange::claim_from(const WorkerPool& view) {
  if (claim_login(view)) return true;
  const route::Pool& pool = *view.pool;
  const auto tried = [this](std::uint32_t id) {
    return tried_count_ > 0 &&
           std::find(tried_.begin(), tried_.begin() + static_cast<std::ptrdiff_t>(tried_count_), id) !=
               tried_.begin() + static_cast<std::ptrdiff_t>(tried_count_);
  };
  const bool has_up = route::pool_has_up(pool);
  const std::size_t start =
      pool.backends.size() > kMaxCandidates ? context_.random.next() % pool.backends.size() : 0;
  CandidateRoom room;
  route::Candidate* const candidates = room.items;
  std::size_t count = 0;
  for (std::size_t n = 0; n < pool.backends.size() && count < kMaxCandidates; ++n) {
    const std::size_t i = (start + n) % pool.backends.size();
    const route::Backend& backend = pool.backends[i];
    if (!route::eligible(backend, has_up) || tried(backend.live->id)) continue;
    if (pool.has_tiers && route::outranked(pool, backend, has_up, tried)) continue;
    if (backend.full()) {
      full_ = &view;
      continue;
    }
    double weight = backend.weight;
    if (const auto began = backend.live->ramp_started_micros.load(std::memory_order_relaxed); began != 0)
      weight = route::ramp(weight, std::chrono::microseconds(steady_micros() - began), spec().slow_start);
    const bool counts = spec().balance == config::Balance::least_requests;
    const bool hashed = spec().balance == config::Balance::hash;
    candidates[count++] = {static_cast<std::uint32_t>(i), weight, counts ? backend.live->in_flight() : 0,
                           hashed ? route::backend_identity(backend.name) : backend.live->id};
  }
  if (count == 0) return false;
  const std::size_t index =
      count == 1 ? candidates[0].index
                 : route::pick(spec().balance, {candidates, count}, *view.round_robin, key_hash_);
  claim(view, index);
  return true;
}

void Exchange::claim(const WorkerPool& view, std::size_t index) {
  backend_ = &view.pool->backends[index];
  claim_ = upstream::Claim(*view.backends[index], *this);
  claimed_in_ = &view;
}

// R4: where this client connection is logged in, as long as its requests may go there. When the pool is
// another one now, or that backend takes no more requests, the login ends.
bool Exchange::claim_login(const WorkerPool& view) {
  upstream::Logins& logins = client_.logins();
  const upstream::Backend* const mine = logins.at(*service_->service->live);
  if (!mine) return false;
  const auto found = std::find_if(view.backends.begin(), view.backends.end(),
                                  [mine](const auto& b) { return b.get() == mine; });
  const auto index = static_cast<std::size_t>(found - view.backends.begin());
  const route::Pool& pool = *view.pool;
  if (found == view.backends.end() || !route::eligible(pool.backends[index], route::pool_has_up(pool))) {
    logins.end(*service_->service->live);
    return false;
  }
  if (pool.backends[index].full()) return false;  // it is asked elsewhere, or waits its turn; the login stays
  claim(view, index);
  return true;
}

// For a place on any backend of `pool`. Taken: there is a claim, or nobody left to wait for.
class Exchange::BackendWaiter final : public Admission::Waiter {
 public:
  BackendWaiter(Exchange& exchange, const WorkerPool& pool)
      : Waiter(exchange.context_.admission, pool.pool->live.get(),
               exchange.service_->service->live->waiting_for_backend, exchange.spec().limits),
        exchange_(exchange),
        pool_(pool) {}

 private:
  bool take() override {
    exchange_.full_ = nullptr;
    return exchange_.claim_from(pool_) || !exchange_.full_;
  }

  Exchange& exchange_;
  const WorkerPool& pool_;
};

// In the line of a pool whose backends have all they may have.
Task<Failure> Exchange::wait_for_backend() {
  target_ = full_;
  BackendWaiter waiter(*this, *full_);
  waiter_ = &waiter;
  const auto entry = co_await waiter;
  waiter_ = nullptr;
  if (gone_) co_return Failure{FailureKind::gone, Side::client};
  if (entry != Admission::Entry::granted) co_return Failure{FailureKind::overload, Side::proxy};
  co_return Failure{};
}

void Exchange::release_claim() {
  if (!claim_) return;
  if (Admission::release(claim_, *backend_, *service_->service->live))
    context_.offer(claimed_in_->pool->live.get());
}

bool Exchange::again(Failure failure) {
  attempt_.kind = failure.kind;
  if (client_.answered() || interims_ > 0 || gone_ || cut_)
    return false;  // a 1xx that went on is a byte of an answer, too
  if (static_cast<std::size_t>(tries_) >= tried_.size()) return false;  // no more can be remembered as tried
  upstream::RequestTraits traits;
  traits.idempotent = client_.head().is_idempotent;
  traits.body_kept = !upload_started_;
  traits.rescuable = spec().retries.rescue_stable && target_ != &service_->pools[service_->service->rescue];
  const RetryKind kind = upstream::may_retry(spec().retries, attempt_, traits, counted_attempts_ + 1);
  const bool stale = kind == RetryKind::free && attempt_.phase != upstream::Phase::connecting;
  return kind != RetryKind::no && next_target(kind, stale);
}

// Where the next try goes: another backend of the same pool; the last try of a canary's request goes to the
// stable pool (R2). A backend whose idle connection was dead is asked once more on a fresh one when there is
// no other: it may be well.
bool Exchange::next_target(RetryKind kind, bool stale) {
  observe::ServiceLive& live = *service_->service->live;
  const WorkerPool& rescuer = service_->pools[service_->service->rescue];
  const bool rescue = target_ != &rescuer && spec().retries.rescue_stable;
  // The guard of a rollout lets so few of a bad pool's requests fail that their rescue needs no budget (G6).
  const bool guarded = rescue && service_->service->guard && decision_.pool == service_->service->guarded;
  if (kind == RetryKind::counted && !guarded) {
    std::uint64_t retrying = 0;
    for (const auto& worker : live.per_worker) retrying += worker.retry_in_flight.get();
    if (!upstream::budget_allows(spec().retries, retrying, live.in_flight.load(std::memory_order_relaxed)))
      return false;
  }
  remember_tried(claim_.backend()->id(), stale);
  const bool last = kind == RetryKind::counted && counted_attempts_ + 2 >= spec().retries.attempts;
  const auto serves = [this](const WorkerPool& view) {
    const bool has_up = route::pool_has_up(*view.pool);
    return std::any_of(view.pool->backends.begin(), view.pool->backends.end(),
                       [&](const route::Backend& backend) {
                         const std::uint32_t* end = tried_.data() + tried_count_;
                         return route::eligible(backend, has_up) &&
                                std::find(std::as_const(tried_).data(), end, backend.live->id) == end;
                       });
  };
  if (rescue && (last || !serves(*target_)) && serves(rescuer)) {
    target_ = &rescuer;
  } else if (!serves(*target_)) {
    if (!forget_stale() || !serves(*target_)) return false;
  }
  if (kind == RetryKind::counted) {
    ++counted_attempts_;
    // The free ones take no room in the budget: when a backend dies, so many idle connections are dead at
    // once that none would be left for the request whose connection was new.
    if (!retrying_) live.per_worker[context_.worker].retry_in_flight.add();
    retrying_ = true;
  }
  chosen_counters().retries.add();
  return true;
}

void Exchange::remember_tried(std::uint32_t id, bool stale) {
  const std::size_t place = std::min(tried_count_, tried_.size() - 1);
  tried_[place] = id;
  tried_stale_[place] = stale;
  tried_count_ = place + 1;
}

// Those of which only an idle connection was dead may be asked again, on fresh ones. False: there are none,
// or that was done before.
bool Exchange::forget_stale() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tried_count_; ++i)
    if (!tried_stale_[i]) tried_[kept++] = tried_[i];
  const bool any = kept < tried_count_ && !fresh_only_;
  for (std::size_t i = 0; i < kept; ++i) tried_stale_[i] = false;
  tried_count_ = kept;
  fresh_only_ = true;
  return any;
}

}  // namespace sluice::session
