#include "proxy/exchange/asset_search.hpp"

#include <chrono>
#include <utility>

#include "proxy/route/assets.hpp"

namespace sluice::exchange {

using upstream::AnswerEvent;
using upstream::Request;

namespace {

constexpr std::size_t kDiscarded = 64 * 1024;  // of an answer that nobody wants
constexpr int kMostInterims = 16;              // as Relay has it

std::int64_t unix_millis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

AssetSearch::AssetSearch(Context& context, const Plan& plan, client::ClientStream& client,
                         const RequestId& id, User& user, RequestTrace* trace)
    : context_(context), plan_(plan), client_(client), id_(id), user_(user), trace_(trace) {}

bool AssetSearch::is_wanted(const Plan& plan, const http::RequestHead& head, int status) {
  return !plan.routed().asset_pools.empty() && !route::is_override(plan.decision.by) && !head.is_grpc &&
         route::is_missing_asset(plan.spec(), head, status);
}

Task<void> AssetSearch::run(const upstream::WorkerPool& first) {
  const std::int64_t now = unix_millis();
  for (const auto& candidate : plan_.routed().asset_pools) {
    const upstream::WorkerPool& pool = plan_.service->pools[candidate.pool];
    const bool asked_before = &pool == &first || &pool == plan_.chosen;
    if (asked_before || (candidate.until > 0 && candidate.until <= now)) continue;
    const bool has_it = co_await ask(pool);
    if (has_it) found_ = &pool;
    if (has_it || stopped_) co_return;
  }
}

// One that has no backend to spare is not waited for.
bool AssetSearch::claim(const upstream::WorkerPool& pool) {
  const config::ServicePolicies& spec = plan_.spec();
  const bool many = pool.pool->backends.size() > upstream::kMaxCandidates;
  const std::uint64_t random = many ? context_.random.next() : 0;
  const auto selection = upstream::select_backend(
      {*pool.pool, spec.balance, spec.slow_start, *pool.round_robin, plan_.key_hash, {}, random});
  if (selection.kind != upstream::Selection::Kind::backend) return false;
  pool_ = &pool;
  index_ = selection.index;
  claim_ = upstream::Claim(*pool.backends[index_], *this);
  return true;
}

void AssetSearch::release() {
  if (claim_ && Concurrency::release(claim_, pool_->pool->backends[index_], plan_.live()))
    context_.offer_slot(QueueKey(*pool_->pool->live));
}

// An idle connection that had died says nothing: the backend is asked once more on a fresh one.
Task<bool> AssetSearch::ask(const upstream::WorkerPool& pool) {
  aborted_ = false;
  if (!claim(pool)) co_return false;
  if (trace_) trace_->attempt_began(context_.random.next(), pool, pool.pool->backends[index_]);
  bool better = co_await attempt(pool, false);
  const bool is_stale = !better && request_->reused() && request_->phase() == upstream::Phase::sent;
  if (is_stale && !aborted_ && !stopped_) {
    Request::finish(std::move(request_));
    better = co_await attempt(pool, true);
  }
  if (better) co_return true;
  if (trace_) {
    const int status = request_->phase() == upstream::Phase::answered ? request_->answer().status : 0;
    const Failure lost{FailureKind::reset, Side::upstream};
    trace_->attempt_ended({status > 0 ? Failure{} : lost, status, std::nullopt});
  }
  discard(std::move(request_));
  release();
  co_return false;
}

Task<bool> AssetSearch::attempt(const upstream::WorkerPool& pool, bool fresh) {
  claim_.backend()->counters().requests.add();
  request_ = context_.connector.open(target_in(*pool.pool), fresh);
  if (!request_->reused()) {
    const auto connected = co_await request_->connect();
    if (connected != upstream::Connected::ok) co_return false;
  }
  if (aborted_ || stopped_) co_return false;
  const auto sent = co_await send();
  if (sent != StreamStatus::ok || aborted_ || stopped_) co_return false;
  co_return co_await take_head();
}

upstream::Target AssetSearch::target_in(const route::Pool& pool) {
  upstream::Target target;
  target.backend = claim_.backend();
  target.to = &pool.backends[index_];
  target.proxy_protocol = pool.proxy_protocol;
  target.timeouts = &plan_.spec().timeouts;
  if (pool.proxy_protocol != ProxyVersion::off) {
    addresses_ = std::make_unique<SocketAddresses>(client_.addresses());
    target.speaks_for = addresses_.get();
  }
  target.service = &plan_.live();
  return target;
}

Request::SendAwaiter AssetSearch::send() {
  http::ForwardContext forward =
      forward_context(client_.info(), id_, plan_, pool_->pool->backends[index_], user_, context_.flags_text);
  if (trace_) forward.traceparent = trace_->traceparent();
  return request_->send_head(client_.head(), forward, {}, true);
}

// True: its final head is there, and better than what the first pool has said.
Task<bool> AssetSearch::take_head() {
  for (int interims = 0;;) {
    const AnswerEvent event = request_->next();
    if (event.kind == AnswerEvent::Kind::head)
      co_return route::is_better(*plan_.spec().assets, request_->answer().status);
    if (event.kind == AnswerEvent::Kind::interim && ++interims <= kMostInterims) continue;
    if (event.kind != AnswerEvent::Kind::none) co_return false;
    const auto arrived = co_await request_->arrival();
    if (arrived != StreamStatus::ok || aborted_ || stopped_) co_return false;
  }
}

upstream::RequestPtr AssetSearch::hand_over(Placement& placement) {
  placement.move_to(*found_, index_);
  claim_.release();
  return std::move(request_);
}

void AssetSearch::discard(upstream::RequestPtr request) {
  using Kind = AnswerEvent::Kind;
  for (std::size_t read = 0; read <= kDiscarded && request->phase() == upstream::Phase::answered;) {
    const AnswerEvent event = request->next();
    read += event.data.size();
    if (event.kind != Kind::data || event.last || event.piped) break;
  }
  Request::finish(std::move(request));
}

void AssetSearch::abort() {
  aborted_ = true;
  if (request_) request_->cancel();
}

void AssetSearch::stop() {
  stopped_ = true;
  if (request_) request_->cancel();
}

}  // namespace sluice::exchange
