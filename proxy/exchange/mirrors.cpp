#include "proxy/exchange/mirrors.hpp"

#include <algorithm>

#include "proxy/exchange/grpc_call.hpp"
#include "proxy/http/grpc.hpp"

namespace sluice::exchange {

using upstream::Connected;
using upstream::Selection;

namespace {
constexpr std::size_t kReadOfAnswer =
    256 * 1024;  // of a longer body the rest is not read, and the connection is closed
}  // namespace

Mirrors::Mirrors(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker,
                 upstream::Connector& connector, const std::function<void(QueueKey key)>& offer_slot)
    : poller_(poller),
      wheel_(wheel),
      worker_(worker),
      connector_(connector),
      offer_slot_(offer_slot),
      round_robin_(worker) {}

Mirrors::~Mirrors() = default;

void Mirrors::Copy::end(End how) {
  end_ = how;
  if (under_way_) under_way_->cancel();
}

// --- in and out

Mirrors::Copy* Mirrors::make(const upstream::WorkerSnapshotPtr& view, const upstream::WorkerService& service,
                             std::size_t pool) {
  auto& counted = service.service->live->per_worker[worker_];
  if (ended_ || copies_.size() - active_ >= kWaiting) {
    counted.mirror_dropped.add();
    return nullptr;
  }
  counted.mirror_in_flight.add();
  return copies_.emplace_back(new Copy(wheel_, view, service, pool)).get();
}

void Mirrors::send(Copy* copy) {
  if (copy->let_go()) return drop(copy);
  waiting_.push_back(copy);
  poller_.defer(*this);  // its request goes first
}

void Mirrors::drop(Copy* copy) {
  counters(*copy).mirror_dropped.add();
  erase(copy);
}

void Mirrors::erase(Copy* copy) {
  counters(*copy).mirror_in_flight.sub();
  std::erase_if(copies_, [copy](const auto& known) { return known.get() == copy; });
}

observe::ServiceCounters& Mirrors::counters(const Copy& copy) const {
  return copy.service_.service->live->per_worker[worker_];
}

void Mirrors::start_some() {
  while (!waiting_.empty() && active_ < kActive) {
    Copy* copy = waiting_.front();
    waiting_.pop_front();
    ++active_;
    spawn(run(copy));
  }
}

// The mirror is as it was when the copy was made, and the copy's backend, if it
// has one, still among those that may finish what they began (D2).
bool Mirrors::is_wanted(const Copy& copy, const upstream::WorkerSnapshot& view) {
  const route::Service& then = *copy.service_.service;
  const auto& services = view.snapshot->services;
  const auto found = std::find_if(services.begin(), services.end(),
                                  [&](const auto& service) { return service.live == then.live; });
  if (found == services.end() || !found->mirror) return false;
  const route::Service& now = *found;
  const route::Pool& pool = now.pools[now.mirror->pool];
  if (pool.live != copy.pool_.pool->live || now.mirror->share != then.mirror->share ||
      now.mirror->safe_only != then.mirror->safe_only)
    return false;
  const upstream::Backend* to = copy.claim_.backend();
  return !to || std::any_of(pool.backends.begin(), pool.backends.end(), [to](const auto& backend) {
    return backend.live->id == to->id() && backend.admin != observe::Admin::maint;
  });
}

void Mirrors::drop_waiting() {
  std::erase_if(waiting_, [this](Copy* copy) {
    if (!copy->let_go()) return false;
    drop(copy);
    return true;
  });
}

void Mirrors::adopt(const upstream::WorkerSnapshot& view) {
  for (const auto& copy : copies_)
    if (!is_wanted(*copy, view)) copy->end(Copy::End::let_go);
  drop_waiting();
  if (own_.empty()) return;
  for (auto& [id, backend] : own_) {
    bool used = false;
    for (const auto& service : view.snapshot->services)
      if (service.mirror)
        for (const auto& known : service.pools[service.mirror->pool].backends)
          used = used || (known.live->id == id && known.admin == observe::Admin::ready);
    if (!used) backend->close_idle();
  }
  // Connections under way name their backend.
  if (active_ > 0) return;
  std::erase_if(own_, [](const auto& entry) {
    return entry.second->idle() == 0 && entry.second->http2().connections() == 0;
  });
}

void Mirrors::end() {
  ended_ = true;
  for (const auto& copy : copies_) copy->end(Copy::End::let_go);
  drop_waiting();
  for (auto& [id, backend] : own_) backend->close_idle();
}

// --- one copy

Task<void> Mirrors::run(Copy* copy) {
  const config::TimeoutSpec& timeouts = copy->service_.service->spec.timeouts;
  copy->began_ = net::Clock::now();
  copy->expires_after(std::min<std::chrono::milliseconds>(timeouts.response, kLongest));
  const Selection::Kind claimed = claim(*copy);
  Outcome outcome = claimed == Selection::Kind::full ? Outcome::dropped : Outcome::failed;
  if (claimed == Selection::Kind::backend) {
    outcome = co_await attempt(*copy, false);
    if (outcome == Outcome::stale) outcome = co_await attempt(*copy, true);
  }
  copy->disarm();
  if (outcome == Outcome::failed && copy->let_go()) outcome = Outcome::dropped;
  if (copy->claim_ && Concurrency::release(copy->claim_, *copy->to_, *copy->service_.service->live))
    offer_slot_(QueueKey(*copy->pool_.pool->live));
  count(*copy, outcome);
  if (copy->span_.ring && outcome != Outcome::dropped) tell(*copy, outcome);
  --active_;
  erase(copy);
  if (!waiting_.empty()) poller_.defer(*this);
}

// As with any request: counted in flight before anything is suspended, so that
// a drain waits for it (D2). But a copy waits for no slot: when there is none
// it is dropped.
Selection::Kind Mirrors::claim(Copy& copy) {
  const route::Pool& pool = *copy.pool_.pool;
  const Selection selection =
      upstream::select_backend({pool, config::Balance::round_robin, {}, round_robin_, 0, {}, 0});
  if (selection.kind == Selection::Kind::backend) {
    copy.to_ = &pool.backends[selection.index];
    copy.claim_ = upstream::Claim(*copy.pool_.backends[selection.index], copy);
  }
  return selection.kind;
}

// A copy's connection is nobody's: other requests follow on it, and it keeps no
// login.
upstream::Target Mirrors::Copy::target(upstream::Backend& backend) const {
  upstream::Target target;
  target.backend = &backend;
  target.to = to_;
  target.proxy_protocol = pool_.pool->proxy_protocol;
  target.timeouts = &service_.service->spec.timeouts;
  target.service = service_.service->live.get();
  target.is_copy = true;
  return target;
}

Task<Mirrors::Outcome> Mirrors::attempt(Copy& copy, bool fresh) {
  copy.under_way_ = connector_.open(copy.target(own(copy)), fresh);
  upstream::Request& request = *copy.under_way_;
  Connected connected = Connected::ok;
  if (!request.reused()) connected = co_await request.connect();
  bool answered = false;
  if (connected == Connected::ok && !copy.ended()) {
    const auto sent =
        co_await request.send_head(copy.request_.head(), copy.request_.context(), copy.request_.body(), true);
    if (sent == StreamStatus::ok && !copy.ended()) answered = co_await take_answer(copy);
  }
  const bool stale =
      !answered && request.reused() && request.phase() == upstream::Phase::sent && !copy.ended();
  upstream::Request::finish(std::move(copy.under_way_));
  co_return answered ? Outcome::answered : stale ? Outcome::stale : Outcome::failed;
}

// True: the backend has answered, and not with an error of its own.
Task<bool> Mirrors::take_answer(Copy& copy) {
  using Kind = upstream::AnswerEvent::Kind;
  upstream::Request& request = *copy.under_way_;
  std::size_t read = 0;
  for (;;) {
    const upstream::AnswerEvent event = request.next();
    read += event.data.size();
    const bool whole = event.kind == Kind::end || event.last;
    if (whole) copy.take_trailers(request.trailers());
    if (whole || read > kReadOfAnswer) co_return copy.status_ < 500;
    if (event.kind == Kind::failed || event.kind == Kind::tunnel) co_return false;
    if (event.kind == Kind::head) copy.take_head(request.answer());
    if (event.kind != Kind::none) continue;
    const auto arrived = co_await request.arrival();
    if (arrived != StreamStatus::ok || copy.ended()) co_return false;
  }
}

void Mirrors::Copy::take_head(const http::ResponseHead& answer) {
  status_ = answer.status;
  if (request_.head().is_grpc) grpc_ = http::grpc_status({answer.fields.begin(), answer.fields.size()});
}

// A gRPC call counts by its status (G4); one without any has failed.
void Mirrors::Copy::take_trailers(std::span<const http::Field> trailers) {
  if (!request_.head().is_grpc) return;
  if (const auto said = http::grpc_status(trailers)) grpc_ = said;
  status_ = http_status_of(grpc_.value_or(GrpcStatus::unknown));
}

void Mirrors::count(const Copy& copy, Outcome outcome) const {
  auto& counted = counters(copy);
  if (outcome == Outcome::answered) counted.mirrored.add();
  if (outcome == Outcome::failed) counted.mirror_failed.add();
  if (outcome == Outcome::dropped) counted.mirror_dropped.add();
  count_evidence(copy, outcome);
}

// For a rollout that is judged by copies: as an attempt of a user's request
// would count (G4). What was dropped, and what a drain or the end aborted, says
// nothing of the pool.
void Mirrors::count_evidence(const Copy& copy, Outcome outcome) const {
  const auto& mirror = copy.service_.service->mirror;
  if (!mirror || !mirror->shadow || outcome == Outcome::dropped) return;
  if (copy.end_ == Copy::End::aborted) return;
  const bool failed = outcome != Outcome::answered;
  auto& counted = mirror->shadow->live.per_worker[worker_];
  if (failed) counted.errors.add();
  counted.by_class[failed ? 5 : static_cast<std::size_t>(copy.status_) / 100].add();
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - copy.began_);
  counted.duration.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count())));
  mirror->shadow->breaker->count(failed);
}

void Mirrors::tell(const Copy& copy, Outcome outcome) {
  const http::RequestHead& head = copy.request_.head();
  observe::SpanRecord record;
  record.generation = copy.view_->snapshot->generation;
  record.method = head.method;
  record.path = head.path;
  record.service = copy.service_.service->spec.name;
  record.pool = copy.pool_.pool->name;
  record.is_grpc = head.is_grpc;
  if (!head.is_grpc) record.status = static_cast<std::uint16_t>(copy.status_);
  if (copy.grpc_) record.grpc_status = static_cast<std::int8_t>(*copy.grpc_);
  record.failed = outcome != Outcome::answered;
  if (record.failed && copy.status_ == 0) record.error = copy.end_ == Copy::End::none ? "reset" : "timeout";
  if (!copy.to_) {
    record.error = "no_backend";
    return copy.span_.end(record, copy.began_);
  }
  BackendWords words(*copy.to_);
  words.add_to(record);
  copy.span_.end(record, copy.began_);
}

// The connections of copies to the backend that is claimed.
upstream::Backend& Mirrors::own(const Copy& copy) {
  auto& known = own_[copy.to_->live->id];
  if (!known) known = std::make_unique<upstream::Backend>(copy.to_->live, worker_);
  known->set_protocol(copy.pool_.pool->protocol);
  known->set_tls(copy.pool_.pool->tls);
  known->set_endpoints(copy.to_->endpoints);
  return *known;
}

}  // namespace sluice::exchange
