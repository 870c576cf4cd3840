#include "proxy/exchange/exchange.hpp"

#include <algorithm>
#include <utility>

#include "proxy/client/access_line.hpp"
#include "proxy/exchange/answer_fields.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/route/assets.hpp"

namespace sluice::exchange {

using net::Clock;
using upstream::Phase;
using upstream::Request;

namespace {

constexpr Failure kGone{FailureKind::gone, Side::client};
constexpr Failure kDrained{FailureKind::drained, Side::proxy};
constexpr std::string_view kDecidedBy[] = {"listener", "preview", "key",
                                           "split"};  // as route::DecisionSource

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// What the stream itself tells of its request.
observe::AccessRecord record_of(const client::ClientStream& stream) {
  const http::RequestHead& head = stream.head();
  const client::ClientInfo& info = stream.info();
  observe::AccessRecord line;
  line.bytes_in = stream.body_bytes_in();
  line.bytes_out = stream.body_bytes_out();
  line.status = static_cast<std::uint16_t>(stream.status());
  line.client = info.address;
  line.stream = info.stream;
  line.method = head.method;
  line.host = head.host;
  line.path = head.path;
  line.query = head.query;
  line.protocol = info.protocol;
  line.scheme = info.secure ? "https" : "http";
  line.tls = info.tls_version;
  client::add_fields(head.fields, line);
  return line;
}

}  // namespace

Exchange::Exchange(Context& context, client::ClientStream& client)
    : context_(context),
      client_(client),
      id_(client.head(), context.random),
      accounting_(context, plan_),
      placement_(context, plan_, attempts_, client, *this),
      waits_(context, plan_, placement_, client.head_as_sent()),
      user_(plan_, client),
      shadow_(context, plan_, client, user_),
      upload_(client, *this, shadow_),
      relay_(client),
      watch_(context.worker.wheel, client, *this) {
  plan_.view = context.view;
  upstream::Activity& activity = *this;
  if (client.head().is_grpc)
    call_ = std::make_unique<GrpcCall>(context.worker.poller, context.worker.wheel, client.head(),
                                       accounting_.began(), activity);
  if (context.worker.tracing.ring)
    trace_ = std::make_unique<RequestTrace>(context.worker.tracing, client.head(), id_);
  client_.set_observer(this);
}

Exchange::~Exchange() { client_.set_observer(nullptr); }

// Not a method: a frame less for each request.
Task<void> Exchange::serve(Context& context, client::ClientStream& client) {
  Exchange self(context, client);
  if (client.head().max_forwards_zero) co_return co_await self.answer_here({});
  Failure failure = match_route(self.plan_, client.head_as_sent());
  if (!failure && self.plan_.routed().hold) failure = co_await self.wait_out_pause();
  if (!failure) failure = self.within_limits();
  if (!failure && !self.decide_pool()) failure = co_await self.waits_.for_slot();
  if (!failure) failure = co_await self.forward();
  if (self.attempts_.in_budget()) self.accounting_.leave_budget();
  if (failure) co_await self.answer(failure);
  self.end(failure);
}

Task<void> Exchange::serve_proof(Context& context, client::ClientStream& client) {
  Exchange self(context, client);
  const auto& proofs = *self.plan_.view->snapshot->proofs;
  co_await self.answer_here(proofs.find(client.head().path)->second);
}

// Nobody is asked: RFC 9110 7.6.2, RFC 8555 8.3.
Task<void> Exchange::answer_here(std::string_view text) {
  const auto status = co_await client_.reply(client::OwnReply{200, {}, text});
  if (status != StreamStatus::ok) client_.reset();
  record({});
}

void Exchange::end(Failure failure) {
  record(failure);
  placement_.release();
  waits_.leave();
}

// What is refused whatever pool it would go to (X7).
Failure Exchange::within_limits() {
  if (!client_.limit_body(plan_.spec().limits.body)) return {FailureKind::too_large, Side::client};
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(accounting_.began().time_since_epoch());
  const std::uint64_t wait = take_rate(plan_, client_.head(), client_.info().address, now);
  if (wait == 0) return {};
  accounting_.rate_limited();
  plan_.retry_after = static_cast<int>((wait + 999'999) / 1'000'000);
  return {FailureKind::rate, Side::client};
}

// P1.
Task<Failure> Exchange::wait_out_pause() {
  watch_.begin();
  if (client_gone_) co_return kGone;
  const Failure failure = co_await waits_.out_pause(accounting_.began());
  if (!failure) accounting_.left_pause();
  co_return failure;
}

// S8. From here on the request counts for its pool. True: it has one of the service's slots as well.
bool Exchange::decide_pool() {
  decide(plan_, client_, unix_seconds);
  accounting_.decided();
  placement_.ask(*plan_.chosen);
  const bool has_slot = waits_.take_slot();
  watch_.begin();
  return has_slot;
}

// An attempt after the other, until one is answered or none is left. The answer is waited for here and not in
// a coroutine of its own: a frame less for each request.
Task<Failure> Exchange::forward() {
  std::string_view body;
  const bool whole = client_.whole_body(body);
  if (!whole) {
    body = client_.first_piece();
    upload_.begin_with(body);
  }
  for (;;) {
    Failure failure{};
    if (!client_gone_ && !claim()) failure = co_await waits_.for_backend();
    if (client_gone_) co_return kGone;
    if (failure) co_return failure;
    open_request();
    if (!request_->reused()) failure = co_await connect();
    if (!failure) {
      const auto status = co_await send_request(body, whole);
      failure = after_send(status, whole);
    }
    while (!failure) {
      const Relay::Step step = relay_on(failure);
      if (step == Relay::Step::done || step == Relay::Step::failed) break;
      if (step == Relay::Step::tunnel) {
        co_await run_tunnel();
        break;
      }
      if (step == Relay::Step::blocked) {
        failure = co_await flush();
        continue;
      }
      if (step == Relay::Step::head) {
        failure = co_await look_elsewhere();
        continue;
      }
      const auto arrived = co_await request_->arrival();
      if (arrived != StreamStatus::ok) failure = after_arrival(arrived);
    }
    count_attempt(failure);
    if (upload_.running()) co_await upload_.join();
    // A status that is to be tried again was already decided on, before its answer was thrown away.
    const bool retry = failure && (failure.kind == FailureKind::status || plan_retry(failure));
    Request::finish(std::move(request_));
    if (!failure) co_return failure;
    if (failure.kind == FailureKind::unprocessed && !retry) failure = count_unprocessed();
    placement_.release();
    if (!retry) co_return failure;
    if (call_) co_await call_->wait_pushback();
    if (upload_.started()) body = upload_.kept();
  }
}

void Exchange::count_attempt(Failure failure) {
  const int status = relay_.head_read() ? request_->answer().status : 0;
  if (aside_) {
    if (aside_->opening) end_opening();
    aside_->events.reset();     // its request ends
    if (aside_->has_found()) {  // says nothing of any pool; what the first one said was counted
      if (trace_) trace_->attempt_ended({failure, status, std::nullopt});
      return;
    }
  }
  std::optional<GrpcStatus> grpc;
  if (call_)
    grpc = count_call(failure);
  else
    accounting_.attempt_ended(failure, status, placement_.asked(), &placement_.backend());
  if (trace_ && !(aside_ && aside_->assets)) trace_->attempt_ended({failure, status, grpc});
}

// G4: what a call says of its pool, in the words of HTTP.
std::optional<GrpcStatus> Exchange::count_call(Failure failure) {
  std::span<const http::Field> trailers;
  if (!failure) trailers = request_->trailers();
  const auto status = call_->attempt_ended(failure, trailers);
  int as_http = 0;
  if (status && (!failure || failure.kind == FailureKind::status)) as_http = http_status_of(*status);
  if (status) accounting_.call_ended(*status, placement_.claimed_in());
  accounting_.attempt_ended(failure, as_http, placement_.claimed_in(), &placement_.backend());
  return status;
}

// A slot on a backend, of the pool that is asked or of the one that rescues.
bool Exchange::claim() {
  placement_.forget_full();
  if (placement_.claim()) return true;
  if (attempts_.begun() == 0 && !placement_.full()) {
    // S9: the chosen pool cannot serve; its share is not quietly given away, it failed.
    accounting_.no_backend();
    accounting_.attempt_ended({FailureKind::no_backend, Side::proxy}, 0, placement_.asked(), nullptr);
    if (call_) accounting_.call_ended(GrpcStatus::unavailable, placement_.asked());
  }
  const upstream::WorkerPool& rescuer = plan_.rescuer();
  if (&placement_.asked() == &rescuer || !plan_.spec().retries.rescue_stable) return false;
  placement_.ask(rescuer);
  attempts_.forget_tried();
  return placement_.claim();
}

void Exchange::open_request() {
  const route::Pool& pool = *placement_.asked().pool;
  upstream::Target target;
  target.backend = &placement_.backend();
  target.to = placement_.last();
  target.proxy_protocol = pool.proxy_protocol;
  target.timeouts = &plan_.spec().timeouts;
  if (call_) {
    target.timeouts = &call_->begin_attempt(*target.timeouts);
    client_.set_call_patience(plan_.spec().timeouts.tunnel);
  }
  if (pool.proxy_protocol != ProxyVersion::off) {
    addresses_ = std::make_unique<SocketAddresses>(client_.addresses());
    target.speaks_for = addresses_.get();
  }
  target.logins = &client_.logins();
  target.service = &plan_.live();
  accounting_.attempt_began(placement_.backend());
  if (trace_) trace_->attempt_began(context_.random.next(), placement_.claimed_in(), *placement_.last());
  request_ = context_.connector.open(target, attempts_.fresh_only());
  if (!client_.head().upgrade.empty()) begin_opening();
  attempts_.begin();
  relay_.restart();
}

Task<Failure> Exchange::connect() {
  const auto began = Clock::now();
  const auto connected = co_await request_->connect();
  if (client_gone_) co_return kGone;
  if (drained_) co_return kDrained;
  switch (connected) {
    case upstream::Connected::ok:
      placement_.backend().counters().connects.add();
      placement_.backend().counters().connect_micros.add(client::micros(Clock::now() - began));
      co_return Failure{};
    case upstream::Connected::no_descriptor:
      co_return Failure{FailureKind::overload, Side::proxy};  // not the backend's fault (X7)
    case upstream::Connected::failed: {
      const route::Backend& backend = *placement_.last();
      // Its name may stand for another address by now (H4).
      if (!backend.looked_up.empty() && !backend.live->told_unreachable.exchange(true))
        context_.unreachable(backend.live->id);
      break;
    }
    case upstream::Connected::failed_handshake:
    case upstream::Connected::canceled:
      break;
  }
  co_return Failure{FailureKind::connect, Side::upstream};
}

// Not in the coroutine: what the head is made of need not stay while its answer is waited for.
Request::SendAwaiter Exchange::send_request(std::string_view body, bool whole) {
  http::ForwardContext forward =
      forward_context(client_.info(), id_, plan_, *placement_.last(), user_, context_.flags_text);
  if (call_) forward.previous_attempts = call_->previous_attempts(attempts_.counted());
  if (trace_) forward.traceparent = trace_->traceparent();
  shadow_.offer(forward, body, whole, trace_.get());
  return request_->send_head(client_.head(), forward, body, whole);
}

Failure Exchange::after_send(StreamStatus status, bool whole) {
  if (client_gone_) return kGone;
  if (drained_) return kDrained;
  if (status == StreamStatus::timed_out) return {FailureKind::timeout, Side::upstream};
  if (status != StreamStatus::ok) return lost_request();
  if (!whole) upload_.start(*request_);
  return {};
}

// What can be done with what has come of the answer, without waiting: what is to be done then. `failed`: as
// `failure` says.
Relay::Step Exchange::relay_on(Failure& failure) {
  for (;;) {
    const Relay::Step step = relay_.step(*request_);
    switch (step) {
      case Relay::Step::head:
        accounting_.answer_began();
        if (const Head head = take_head(); head != Head::pass) {
          if (head == Head::look_elsewhere) return step;
          if (plan_retry({FailureKind::status, Side::upstream})) {
            failure = {FailureKind::status, Side::upstream};
            return Relay::Step::failed;
          }
        }
        pass_head();
        break;
      case Relay::Step::wait:
        if (client_gone_ || drained_ || upload_.failed()) {
          failure = failure_of(StreamStatus::canceled);
          return Relay::Step::failed;
        }
        if (aside_ && aside_->events) {
          if (aside_->events->may_end()) return relay_.end_here();
          request_->allow_pipes(false);
          return step;
        }
        request_->limit_reads(client_.most_read());
        request_->allow_pipes(client_.takes_pipes());
        return step;
      case Relay::Step::failed:
        failure = {relay_.failure(), Side::upstream};
        if (relay_.failure() == FailureKind::reset) failure = failure_of(StreamStatus::reset);
        return step;
      case Relay::Step::blocked:
      case Relay::Step::tunnel:
      case Relay::Step::done:
        return step;
    }
  }
}

// Until the client has taken what is there for it.
Task<Failure> Exchange::flush() {
  watch_.begin_flush();
  const auto flushed = co_await client_.flush();
  watch_.end_flush();
  if (flushed == StreamStatus::ok) co_return Failure{};
  co_return drained_ ? kDrained : kGone;
}

Exchange::Head Exchange::take_head() {
  const http::ResponseHead& answer = request_->answer();
  if (!call_) return answer.status < 400 ? Head::pass : judge(answer.status);
  std::span<const http::Field> trailers;
  if (request_->ended_with_head()) trailers = request_->trailers();
  call_->take_head(answer, trailers);
  return answer.status >= 500 || call_->failed_at_once() ? Head::retry : Head::pass;
}

// Of an error.
Exchange::Head Exchange::judge(int status) {
  if (status >= 500) return Head::retry;
  return AssetSearch::is_wanted(plan_, client_.head(), status) ? Head::look_elsewhere : Head::pass;
}

// The answer that waits says that the asset is not there: another pool may have it. What the client gets has
// been passed on as far as its head.
Task<Failure> Exchange::look_elsewhere() {
  const int status = request_->answer().status;
  if (trace_) trace_->attempt_ended({Failure{}, status, std::nullopt});
  aside().assets = std::make_unique<AssetSearch>(context_, plan_, client_, id_, user_, trace_.get());
  AssetSearch& search = *aside_->assets;
  co_await search.run(placement_.asked());
  if (client_gone_ || drained_) co_return failure_of(StreamStatus::canceled);
  accounting_.looked_elsewhere(search.found() != nullptr);
  if (search.found()) {
    accounting_.attempt_ended(Failure{}, status, placement_.asked(), &placement_.backend());
    AssetSearch::discard(std::move(request_));
    request_ = search.hand_over(placement_);
  }
  pass_head();
  co_return Failure{};
}

void Exchange::pass_head() {
  upload_.forget();
  if (call_) call_->answer_begins();
  const http::ResponseHead& answer = request_->answer();
  if (answer.body == http::BodyLength::unknown && EventStream::is_one(answer)) begin_events();
  const bool sets_cookie = !client_.head_as_sent().is_grpc && user_.needs_cookie();
  const bool shows_origin = plan_.spec().debug_headers;
  if (!sets_cookie && !plan_.has_preview_token && !shows_origin) return client_.send_head(answer, {});
  if (route::is_asset(plan_.spec(), client_.head().path)) return client_.send_head(answer, {});
  AnswerFields extra;
  if (sets_cookie)
    extra.add_cookie(plan_.spec().sticky->issue_cookie, user_.issued_id(), client_.info().secure);
  if (plan_.has_preview_token) extra.add_preview(plan_);
  if (shows_origin)
    extra.add_origin(placement_.asked().pool->name, placement_.last()->name,
                     plan_.view->snapshot->generation);
  client_.send_head(answer, extra.all());
}

Exchange::Aside& Exchange::aside() {
  if (!aside_) aside_ = std::make_unique<Aside>();
  return *aside_;
}

void Exchange::begin_events() {
  upstream::Activity& activity = *this;
  aside().events = std::make_unique<EventStream>(context_.worker.wheel, *request_, activity,
                                                 placement_.backend().counters().tunnels);
  relay_.watch_events(aside_->events->boundary());
}

void Exchange::begin_opening() {
  aside().opening = &placement_.backend().counters();
  aside_->opening->opening.add();
}

void Exchange::end_opening() { std::exchange(aside_->opening, nullptr)->opening.sub(); }

Task<void> Exchange::run_tunnel() {
  watch_.end();
  tunnel_ = std::make_unique<Tunnel>(context_.worker.wheel, client_, *request_, plan_.spec().timeouts.tunnel,
                                     static_cast<std::uint32_t>(context_.random.next()));
  if (aside_ && aside_->opening) end_opening();
  observe::BackendCounters& counters = placement_.backend().counters();
  counters.opened.add();
  counters.open_micros.add(client::micros(Clock::now() - accounting_.began()));
  observe::Counter& tunnels = counters.tunnels;
  tunnels.add();
  bool opened = client_.open_tunnel(request_->answer());
  if (!opened) {
    const auto flushed = co_await client_.flush();
    opened = flushed == StreamStatus::ok;
  }
  co_await tunnel_->run(opened);
  tunnels.sub();
}

// After a failed attempt: whether there is another one, and where it goes.
bool Exchange::plan_retry(Failure failure) {
  if (client_.answered() || relay_.sent_interim() || client_gone_ || drained_) return false;
  upstream::Attempt failed;
  failed.phase = request_->phase();
  failed.kind = failure.kind;
  failed.status = relay_.head_read() ? request_->answer().status : 0;
  failed.reused = request_->reused();
  if (call_ && failure.kind == FailureKind::status) {
    failed.grpc = call_->failed_at_once();
    if (!call_->may_push_back()) return false;
  }
  const RetryQuestion question{plan_.spec().retries,
                               plan_.live(),
                               *placement_.asked().pool,
                               *plan_.rescuer().pool,
                               plan_.is_watched(),
                               client_.head().is_idempotent,
                               !upload_.started() || upload_.can_repeat()};
  const bool counted_before = attempts_.in_budget();
  const auto where = attempts_.plan_retry(failed, placement_.backend().id(), question);
  if (where == Attempts::Next::give_up) return false;
  if (where == Attempts::Next::rescuer) placement_.ask(plan_.rescuer());
  if (attempts_.in_budget() && !counted_before) accounting_.join_budget();
  accounting_.retried();
  return true;
}

// An event stream that leaves is woken by that.
Failure Exchange::after_arrival(StreamStatus status) const {
  const bool leaves = aside_ && aside_->events && aside_->events->may_end() && !client_gone_ && !drained_;
  return leaves && status == StreamStatus::canceled ? Failure{} : failure_of(status);
}

Failure Exchange::failure_of(StreamStatus status) const {
  if (drained_) return kDrained;
  if (upload_.end() == Upload::End::malformed) return {FailureKind::malformed, Side::client};
  if (upload_.end() == Upload::End::too_large) return {FailureKind::too_large, Side::client};
  if (upload_.end() == Upload::End::too_slow) return {FailureKind::too_slow, Side::client};
  if (client_gone_) return kGone;
  if (status == StreamStatus::timed_out) return {FailureKind::timeout, Side::upstream};
  return lost_request();
}

Failure Exchange::lost_request() const {
  const bool processed = request_->phase() != Phase::connecting;
  return {processed ? FailureKind::reset : FailureKind::unprocessed, Side::upstream};
}

// R3: what goes elsewhere says nothing of its backend; what nobody takes is a failure as any other.
Failure Exchange::count_unprocessed() {
  const Failure failure{FailureKind::reset, Side::upstream};
  accounting_.attempt_ended(failure, 0, placement_.asked(), &placement_.backend());
  return failure;
}

Task<void> Exchange::answer(Failure failure) {
  const OwnAnswer own = answer_for(failure.kind);
  if (call_ && own.status != 0) call_->set_status(own.grpc);
  if (call_ && own.status != 0 && client_.answered()) co_return co_await end_call(own);
  if (client_.answered() || own.status == 0) {
    client_.reset();
    co_return;
  }
  accounting_.answered_ourselves(own.reason);
  client::OwnReply reply{own.status, own.reason, own.text, plan_.retry_after, own.grpc};
  if (failure.kind == FailureKind::stopped && !plan_.routed().hold->message.empty())
    reply.text = plan_.routed().hold->message;
  const auto status = co_await client_.reply(reply);
  if (status != StreamStatus::ok) client_.reset();
}

// D7: where the status of the call would have stood.
Task<void> Exchange::end_call(const OwnAnswer& own) {
  std::string_view text = own.text;
  text.remove_suffix(text.ends_with('\n') ? 1 : 0);
  const http::Field trailers[] = {
      {"grpc-status", number_of(own.grpc)}, {"grpc-message", text}, {"x-sluice-error", own.reason}};
  bool sent = client_.send_trailers(trailers);
  if (!sent) {
    const auto flushed = co_await client_.flush();
    sent = flushed == StreamStatus::ok;
  }
  if (!sent) client_.reset();
}

void Exchange::record(Failure failure) {
  const std::string_view error = failure ? answer_for(failure.kind).reason : std::string_view();
  Ending ending;
  ending.status = client_.status();
  ending.aborted = client_gone_ || failure.kind == FailureKind::gone;
  ending.rescued = plan_.chosen && &placement_.asked() != plan_.chosen && !failure;
  ending.tunnel = tunnel_ != nullptr;
  if (call_) {
    ending.aborted |= call_->status() == GrpcStatus::cancelled;
    ending.tunnel = call_->is_stream();
  }
  accounting_.ended(ending);
  observe::AccessLog* log = context_.worker.access_log;
  const bool logged = log && log->on();
  if (!logged && !trace_) return;
  const Outcome outcome{failure, client_.status(), call_ ? call_->status() : std::nullopt};
  const bool told = trace_ && trace_->is_told(outcome);
  if (!logged && !told) return;
  const observe::AccessRecord line = access_record(error);
  if (logged) log->ring(context_.worker.worker).push(line);
  if (told) trace_->end(plan_, client_, accounting_.began(), line, outcome);
}

observe::AccessRecord Exchange::access_record(std::string_view error) const {
  observe::AccessRecord line = record_of(client_);
  client::set_times(accounting_.began(), line);
  line.generation = plan_.view->snapshot->generation;
  line.upstream_micros = static_cast<std::uint32_t>(accounting_.upstream_micros());
  line.attempts = static_cast<std::uint16_t>(attempts_.begun());
  line.request_id = id_.text;
  line.error = error;
  if (tunnel_) {
    line.bytes_in += tunnel_->bytes_in();
    line.bytes_out += tunnel_->bytes_out();
  }
  if (call_ && call_->status()) line.grpc_status = static_cast<std::int8_t>(*call_->status());
  if (plan_.service) line.service = plan_.spec().name;
  if (plan_.chosen) {
    line.pool = plan_.chosen->pool->name;
    line.sticky = kDecidedBy[static_cast<std::size_t>(plan_.decision.by)];
  }
  if (placement_.last()) line.backend = placement_.last()->name;
  if (aside_ && aside_->has_found()) line.asset_from = aside_->assets->found()->pool->name;
  return line;
}

void Exchange::client_gone() {
  client_gone_ = true;
  waits_.cancel();
  if (call_) call_->cancel_wait();
  if (aside_ && aside_->assets) aside_->assets->stop();
  if (request_) request_->cancel();
}

void Exchange::client_half_closed() {
  if (!tunnel_) watch_.half_closed();
}

void Exchange::abort() {
  drained_ = true;
  if (aside_ && aside_->assets) aside_->assets->stop();
  if (request_) request_->cancel();
  if (tunnel_) return tunnel_->abort();
  if (client_.answered()) client_.cancel();
}

void Exchange::end_within(std::chrono::milliseconds wait) {
  leaving_ = true;
  if (tunnel_) return tunnel_->end_within(wait);
  if (aside_ && aside_->events) return aside_->events->end_within(wait);
  if (call_) call_->end_within(wait);
}

}  // namespace sluice::exchange
