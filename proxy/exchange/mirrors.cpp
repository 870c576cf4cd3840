#include "proxy/exchange/mirrors.hpp"

#include <algorithm>

#include "proxy/exchange/concurrency.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/upstream/connect.hpp"

namespace sluice::exchange {
namespace {

using net::IoStatus;

constexpr std::size_t kReadOfAnswer =
    256 * 1024;  // more of an answer is not worth the time: the connection ends

}  // namespace

Mirrors::Mirrors(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker,
                 const std::function<void(QueueKey key)>& offer)
    : poller_(poller), wheel_(wheel), worker_(worker), offer_(offer), round_robin_(worker) {}

Mirrors::~Mirrors() = default;

Mirrors::Copy::Copy(Mirrors& mirrors) : Deadline(mirrors.wheel_) {}

void Mirrors::Copy::store(const http::RequestHead& head, const http::ForwardContext& forward) {
  is_head_ = head.is_head;
  http::ForwardContext copied = forward;
  copied.mirror = true;
  http1::write_request(head, copied, request_);
}

void Mirrors::Copy::end(End how) {
  end_ = how;
  if (conn_) conn_->stream.cancel();
}

// --- in and out

Mirrors::Copy* Mirrors::make(const upstream::WorkerSnapshotPtr& view, const upstream::WorkerService& service,
                             std::size_t pool) {
  auto& counted = service.service->live->per_worker[worker_];
  if (ended_ || waiting_.size() + open_ >= kWaiting) {
    counted.mirror_dropped.add();
    return nullptr;
  }
  if (free_.empty()) {
    made_.push_back(std::make_unique<Copy>(*this));
    free_.push_back(made_.back().get());
  }
  Copy* copy = free_.back();
  free_.pop_back();
  copy->view_ = view;
  copy->service_ = &service;
  copy->pool_ = &service.pools[pool];
  copy->end_ = Copy::End::none;
  ++open_;
  counted.mirror_in_flight.add();
  return copy;
}

void Mirrors::send(Copy* copy) {
  --open_;
  if (copy->end_ == Copy::End::let_go) return drop(copy);
  waiting_.push_back(copy);
  poller_.defer(*this);  // its request goes first
}

void Mirrors::discard(Copy* copy) {
  --open_;
  recycle(copy);
}

void Mirrors::drop(Copy* copy) {
  counters(*copy).mirror_dropped.add();
  recycle(copy);
}

void Mirrors::recycle(Copy* copy) {
  counters(*copy).mirror_in_flight.sub();
  copy->request_.release();
  copy->view_.reset();
  free_.push_back(copy);
}

observe::ServiceCounters& Mirrors::counters(const Copy& copy) const {
  return copy.service_->service->live->per_worker[worker_];
}

void Mirrors::start_some() {
  while (!waiting_.empty() && active_.size() < kActive) {
    Copy* copy = waiting_.front();
    waiting_.pop_front();
    active_.push_back(copy);
    spawn(run(copy));
  }
}

// The mirror is as it was when the copy was made, and the copy's backend, if it has one, still among those
// that may finish what they began (D2).
bool Mirrors::is_wanted(const Copy& copy, const upstream::WorkerSnapshot& view) {
  const route::Service& then = *copy.service_->service;
  const auto found = std::find_if(view.services.begin(), view.services.end(),
                                  [&](const auto& now) { return now.service->live == then.live; });
  if (found == view.services.end() || !found->service->mirror) return false;
  const route::Service& now = *found->service;
  const route::Pool& pool = now.pools[now.mirror->pool];
  if (pool.live != copy.pool_->pool->live || now.mirror->share != then.mirror->share ||
      now.mirror->safe_only != then.mirror->safe_only)
    return false;
  const upstream::Backend* to = copy.claim_.backend();
  return !to || std::any_of(pool.backends.begin(), pool.backends.end(), [to](const auto& backend) {
    return backend.live->id == to->id() && backend.admin != observe::Admin::maint;
  });
}

void Mirrors::drop_waiting() {
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    Copy* copy = waiting_.front();
    waiting_.pop_front();
    if (copy->end_ == Copy::End::let_go)
      drop(copy);
    else
      waiting_.push_back(copy);
  }
}

void Mirrors::adopt(const upstream::WorkerSnapshot& view) {
  for (const auto& copy : made_)
    if (copy->view_ && !is_wanted(*copy, view)) copy->end(Copy::End::let_go);
  drop_waiting();
  if (own_.empty()) return;
  for (auto& [id, backend] : own_) {
    bool used = false;
    for (const auto& service : view.services)
      if (service.service->mirror)
        for (const auto& known : service.pools[service.service->mirror->pool].pool->backends)
          used = used || (known.live->id == id && known.admin == observe::Admin::ready);
    if (!used) backend->close_idle();
  }
  // Connections under way name their backend.
  if (active_.empty()) std::erase_if(own_, [](const auto& entry) { return entry.second->idle() == 0; });
}

void Mirrors::end() {
  ended_ = true;
  for (const auto& copy : made_)
    if (copy->view_) copy->end(Copy::End::let_go);
  drop_waiting();
  for (auto& [id, backend] : own_) backend->close_idle();
}

// --- one copy

Task<void> Mirrors::run(Copy* copy) {
  copy->began_ = net::Clock::now();
  copy->answer_.status = 0;
  copy->expires_after(
      std::min<std::chrono::milliseconds>(copy->service_->service->spec.timeouts.response, kLongest));
  bool full = false;
  const route::Backend* to = claim(*copy, full);
  Outcome outcome = full ? Outcome::dropped : Outcome::failed;
  if (to) {
    outcome = co_await attempt(*copy, *to, false);
    if (outcome == Outcome::stale) outcome = co_await attempt(*copy, *to, true);
  }
  copy->never();
  if (outcome == Outcome::failed && copy->end_ == Copy::End::let_go) outcome = Outcome::dropped;
  auto& counted = counters(*copy);
  if (to && Concurrency::release(copy->claim_, *to, *copy->service_->service->live))
    offer_(QueueKey(*copy->pool_->pool->live));
  if (outcome == Outcome::answered) counted.mirrored.add();
  if (outcome == Outcome::failed) counted.mirror_failed.add();
  if (outcome == Outcome::dropped) counted.mirror_dropped.add();
  count_evidence(*copy, outcome);
  std::erase(active_, copy);
  recycle(copy);
  if (!waiting_.empty()) poller_.defer(*this);
}

// What was dropped, and what a drain or the end cut, says nothing of the pool.
void Mirrors::count_evidence(const Copy& copy, Outcome outcome) const {
  const auto& mirror = copy.service_->service->mirror;
  if (!mirror || !mirror->shadow || outcome == Outcome::dropped) return;
  if (copy.end_ == Copy::End::cut) return;
  const bool failed = outcome != Outcome::answered;
  auto& counted = mirror->shadow->live.per_worker[worker_];
  if (failed) counted.errors.add();
  const int status = copy.answer_.status;
  counted.by_class[!failed && status >= 100 ? static_cast<std::size_t>(status) / 100 : 5].add();
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - copy.began_);
  counted.duration.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count())));
  mirror->shadow->guard->count(failed);
}

// As with any request: counted in flight before anything is suspended, so that a drain waits for it (D2). But
// it waits for no place: null and `full` when there is one only beyond max_in_flight.
const route::Backend* Mirrors::claim(Copy& copy, bool& full) {
  const route::Pool& pool = *copy.pool_->pool;
  constexpr std::size_t kMost = 64;
  route::Candidate candidates[kMost];
  std::size_t count = 0;
  const bool has_up = route::pool_has_up(pool);
  for (std::size_t i = 0; i < pool.backends.size() && count < kMost; ++i) {
    const route::Backend& backend = pool.backends[i];
    if (!route::eligible(backend, has_up)) continue;
    if (backend.full()) {
      full = true;
      continue;
    }
    if (pool.has_tiers && route::outranked(pool, backend, has_up)) continue;
    candidates[count++] = {static_cast<std::uint32_t>(i), backend.weight, 0, backend.live->id};
  }
  if (count == 0) return nullptr;
  full = false;
  const std::size_t index = route::pick(config::Balance::round_robin, {candidates, count}, round_robin_, 0);
  copy.claim_ = upstream::Claim(*copy.pool_->backends[index], copy);
  return &pool.backends[index];
}

upstream::Backend& Mirrors::own(const route::Backend& backend) {
  auto& known = own_[backend.live->id];
  if (!known) known = std::make_unique<upstream::Backend>(backend.live, worker_);
  return *known;
}

Task<Mirrors::Outcome> Mirrors::attempt(Copy& copy, const route::Backend& to, bool fresh) {
  copy.own_ = &own(to);
  copy.own_->set_tls(copy.pool_->pool->tls);
  copy.own_->set_endpoints(to.endpoints);
  if (!fresh) copy.conn_ = copy.own_->take_idle();
  const bool reused = copy.conn_ != nullptr;
  bool connected = reused;
  if (!reused) connected = co_await connect(copy, to);
  Outcome outcome = Outcome::failed;
  if (connected && !copy.ended()) {
    copy.conn_->stream.limit(copy.service_->service->spec.timeouts.response);
    const std::string_view bytes = copy.request_.view();
    const auto sent = co_await copy.conn_->stream.write(bytes);
    copy.read_ = 0;
    if (sent == IoStatus::ok && !copy.ended()) outcome = co_await receive(copy);
    if (outcome == Outcome::failed && reused && copy.read_ == 0 && !copy.ended()) outcome = Outcome::stale;
  }
  if (copy.conn_) upstream::Connection::retire(std::move(copy.conn_));
  co_return outcome;
}

Task<bool> Mirrors::connect(Copy& copy, const route::Backend& to) {
  copy.conn_ = std::make_unique<upstream::Connection>(poller_, wheel_, *copy.own_);
  const auto limit = copy.service_->service->spec.timeouts.connect;
  // A copy's connection is nobody's: other requests follow on it.
  const auto status =
      co_await upstream::connect(*copy.conn_, to, copy.pool_->pool->proxy_protocol, nullptr, limit);
  if (status != IoStatus::ok || copy.ended()) co_return false;
  copy.conn_->arm();
  co_return true;
}

Task<Mirrors::Outcome> Mirrors::receive(Copy& copy) {
  upstream::Connection& conn = *copy.conn_;
  bool head_read = false;
  for (;;) {
    const Step step = take_in(copy, head_read);
    if (step == Step::failed || copy.ended()) co_return Outcome::failed;
    if (step == Step::done) break;
    if (!conn.stream.armed() && !conn.arm()) co_return Outcome::failed;
    const auto read = co_await conn.stream.read();
    if (read.status != IoStatus::ok) {
      if (read.status == IoStatus::eof && head_read && copy.body_.ends_at_eof()) break;
      co_return Outcome::failed;
    }
    conn.in.commit(read.size);
    copy.read_ += read.size;
  }
  const int status = copy.answer_.status;
  const bool whole = copy.body_.done() && !copy.body_.ends_at_eof() && conn.in.empty();
  if (whole && copy.answer_.keep_alive && !copy.answer_.login && !conn.stream.armed())
    copy.own_->put_idle(std::move(copy.conn_),
                        upstream::idle_time(copy.answer_, copy.service_->service->spec.timeouts.idle, {}));
  co_return status < 500 ? Outcome::answered : Outcome::failed;
}

Mirrors::Step Mirrors::take_in(Copy& copy, bool& head_read) {
  upstream::Connection& conn = *copy.conn_;
  while (!head_read) {
    if (conn.in.empty()) return Step::read;
    const auto parsed = conn.parser.parse(conn.in.view(), copy.answer_, copy.is_head_);
    if (parsed == http1::Status::more) return Step::read;
    if (parsed == http1::Status::refused || copy.answer_.status == 101) return Step::failed;
    head_read = copy.answer_.status >= 200;
    if (head_read) copy.body_.start(copy.answer_.framing, copy.answer_.content_length);
    conn.in.consume(copy.answer_.size);
    conn.parser.reset();
  }
  while (!copy.body_.done()) {
    if (copy.read_ > kReadOfAnswer) return Step::done;
    if (conn.in.empty()) return Step::read;
    const auto step = copy.body_.next(conn.in.view());
    if (step.kind == http1::BodyStep::Kind::refused) return Step::failed;
    conn.in.consume(step.consumed);
    if (step.kind == http1::BodyStep::Kind::done) return Step::done;
  }
  return Step::done;
}

}  // namespace sluice::exchange
