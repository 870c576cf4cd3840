#include "proxy/session/exchange.hpp"

#include <algorithm>

#include "proxy/base/client_key.hpp"
#include "proxy/base/hash.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/net/handshakes.hpp"
#include "proxy/upstream/connect.hpp"

namespace sluice::session {

using net::Clock;
using net::IoStatus;
using upstream::Phase;

namespace {

// A client that sent FIN may be gone or may be waiting for its answer: TCP does not say which. It gets this
// long without a byte of progress. (nginx cuts at once, HAProxy never.)
constexpr auto kHalfClosedGrace = std::chrono::milliseconds(500);
constexpr std::size_t kSmallBody = 8 * 1024;  // a body this small travels in the same buffer as the head

// Index of the pool that `listener` fixes for service `service`, or -1.
int fixed_pool(const route::Snapshot& snapshot, std::string_view listener, std::size_t service) {
  for (const auto& fixed : snapshot.listener_pools) {
    if (fixed.listener != listener) continue;
    for (const auto& [fixed_service, pool] : fixed.pools)
      if (fixed_service == service) return static_cast<int>(pool);
  }
  return -1;
}

}  // namespace

Exchange::Exchange(Context& context, Downstream& client)
    : Deadline(context.wheel),
      context_(context),
      client_(client),
      began_(Clock::now()),
      routed_(began_),
      view_(context.view) {
  for (auto& word : random_) word = context_.random.next();
  request_id_ = http::choose_request_id(client_.head(), random_, request_id_text_);
}

Exchange::~Exchange() {
  if (copy_) context_.mirrors.discard(copy_);
  if (conn_) upstream::Connection::retire(std::move(conn_), true);
}

Task<void> Exchange::run() {
  if (client_.head().max_forwards_zero) {  // RFC 9110 7.6.2: answered here
    const std::string_view nothing;
    const auto status = co_await client_.reply(200, nothing, nothing, 0);
    if (status != IoStatus::ok) client_.abort();
    record(nothing);
    co_return;
  }
  Failure failure = route();
  if (!failure && service_->service->hold) failure = co_await wait_out_pause();
  if (!failure) failure = within_limits();
  if (!failure) decide();
  if (!failure && !enter()) failure = co_await queue();
  if (!failure) failure = co_await forward();
  if (upload_running_) co_await join_upload();
  if (retrying_) service_->service->live->per_worker[context_.worker].retry_in_flight.sub();
  if (failure) co_await answer(failure);
  record(failure ? answer_for(failure.kind).reason : std::string_view());
  release_claim();
  if (entered_ && Admission::leave(*service_->service->live)) context_.offer(service_->service->live.get());
}

Failure Exchange::route() {
  const http1::RequestHead& head = client_.head();
  const auto match = view_->snapshot->routes.find(head);
  if (!match) return {FailureKind::no_route, Side::proxy};
  service_ = &view_->services[match->service];
  strip_prefix_ = match->strip_prefix;
  if (!service_->service->set_aside.empty()) return {FailureKind::set_aside, Side::proxy};
  return {};
}

// What is refused whatever pool it would go to (X7).
Failure Exchange::within_limits() {
  if (!client_.limit_body(spec().limits.body)) return {FailureKind::too_large, Side::client};
  if (!service_->service->rates) return {};
  const config::RateLimitSpec& limit = *spec().rate_limit;
  const std::string_view ip = client_.client_address();
  const std::string_view key = route::sticky_key(limit.key, client_.head(), ip);
  const std::uint64_t hash = key.data() == ip.data() ? client_key(ip) : hash64("rate", "", key);
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(began_.time_since_epoch());
  const std::uint64_t wait = service_->service->rates->take(hash, static_cast<std::uint64_t>(now.count()),
                                                            limit.period_micros, limit.burst);
  if (wait == 0) return {};
  service_->service->live->per_worker[context_.worker].rate_limited.add();
  retry_after_ = static_cast<int>((wait + 999'999) / 1'000'000);
  return {FailureKind::rate, Side::client};
}

// P1: until the service is no longer paused. Then the request is routed anew, by what is in force at that
// moment.
Task<Failure> Exchange::wait_out_pause() {
  watch();
  while (service_->service->hold) {
    const route::Hold& hold = *service_->service->hold;
    if (hold.kind == route::Hold::Kind::stopped) co_return Failure{FailureKind::stopped, Side::proxy};
    if (gone_) co_return Failure{FailureKind::gone, Side::client};
    if (context_.shutting_down) co_return Failure{FailureKind::paused, Side::proxy};
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_);
    const std::uint32_t limit = hold.max_queue > 0 ? hold.max_queue : spec().limits.queue;
    const auto patience = std::max(hold.max_hold - waited, std::chrono::milliseconds(0));
    Holds::Waiter waiter(context_.holds, *service_->service->live, limit, patience);
    holder_ = &waiter;
    const auto end = co_await waiter;
    holder_ = nullptr;
    if (end == Holds::End::canceled) co_return Failure{FailureKind::gone, Side::client};
    if (end != Holds::End::released) co_return Failure{FailureKind::paused, Side::proxy};
    view_ = context_.view;
    const Failure failure = route();
    if (failure) co_return failure;
  }
  routed_ = Clock::now();
  co_return Failure{};
}

// S8. Counts the request for its pool.
void Exchange::decide() {
  const http1::RequestHead& head = client_.head();
  const route::Service& service = *service_->service;
  const auto index = static_cast<std::size_t>(service_ - view_->services.data());
  const int fixed = fixed_pool(*view_->snapshot, client_.listener(), index);
  const int preview = view_->snapshot->preview_key ? preview_pool(service) : -1;
  decision_ = route::decide(service, head, client_.client_address(), fixed, preview);
  if (service.guard && decision_.pool == service.guarded && decision_.by != route::By::listener &&
      decision_.by != route::By::preview) {
    guarded_ = service.guard->enter();
    if (guarded_ == observe::Guard::Entry::refused) decision_.pool = service.rescue;  // G6
  }
  chosen_ = target_ = &service_->pools[decision_.pool];
  if (service.spec.balance == config::Balance::hash) {
    const std::string_view key =
        decision_.sticky_key.empty() ? client_.client_address() : decision_.sticky_key;
    key_hash_ = hash64("backend", service.spec.name, key);
  }
  chosen_counters().requests.add();
  chosen_counters().in_flight.add();
}

void Exchange::watch() {
  if (watching_ || !client_.body_read()) return;
  watching_ = true;
  client_.watch(this);
}

// One of the service's places, if there is one at once.
bool Exchange::enter() {
  entered_ = Admission::try_enter(*service_->service->live, spec().limits.in_flight);
  watch();
  return entered_;
}

// Waits in line for a place.
Task<Failure> Exchange::queue() {
  observe::ServiceLive& live = *service_->service->live;
  const config::LimitSpec& limits = spec().limits;
  if (gone_) co_return Failure{FailureKind::gone, Side::client};
  Admission::ServiceWaiter waiter(context_.admission, live, limits);
  waiter_ = &waiter;
  const auto entry = co_await waiter;
  waiter_ = nullptr;
  entered_ = entry == Admission::Entry::granted;
  if (gone_) co_return Failure{FailureKind::gone, Side::client};
  if (!entered_) co_return Failure{FailureKind::overload, Side::proxy};
  co_return Failure{};
}

Task<Failure> Exchange::forward() {
  for (;;) {
    if (gone_) co_return Failure{FailureKind::gone, Side::client};
    if (!choose()) {
      if (!full_) co_return nobody();
      const Failure none = co_await wait_for_backend();
      if (none) co_return none;
      if (!claim_) co_return nobody();
    }
    begin_attempt();
    Failure failure{};
    if (!conn_) failure = co_await connect();
    if (!failure) {
      iovec pieces[2];
      prepare_request(pieces);
      const auto status = co_await conn_->stream.write(pieces);
      failure = after_send(status);
    }
    if (!failure) failure = co_await receive();
    attempt_.kind = failure.kind;
    count_attempt(failure, answer_head_read_ ? answer_.status : 0);
    if (!failure) co_return failure;
    if (upload_running_) co_await join_upload();
    // A status that is to be tried again was already decided on, before its answer was thrown away.
    const bool retry = failure.kind == FailureKind::status || again(failure);
    release_conn(false);
    release_claim();
    if (!retry) co_return failure;
  }
}

void Exchange::begin_attempt() {
  attempt_ = {};
  attempt_began_ = Clock::now();
  ++tries_;
  answer_head_read_ = false;
  if (!fresh_only_) conn_ = client_.logins().take(*service_->service->live, *claim_.backend());
  if (!conn_ && !fresh_only_ && !speaks_for_client()) conn_ = claim_.backend()->take_idle();
  attempt_.reused = conn_ != nullptr;
  claim_.backend()->counters().requests.add();
}

Task<Failure> Exchange::connect() {
  conn_ = std::make_unique<upstream::Connection>(context_.poller, context_.wheel, *claim_.backend());
  SocketAddresses ends;
  if (speaks_for_client()) ends = client_.ends();
  const auto status = co_await upstream::connect(*conn_, *backend_, target_->pool->proxy_protocol, &ends,
                                                 spec().timeouts.connect);
  conn_->stream.no_limit();
  if (conn_->stream.tls())
    net::count_handshake(context_.counters.backend_handshakes, status, conn_->stream.tls());
  if (gone_) co_return Failure{FailureKind::gone, Side::client};
  if (cut_) co_return Failure{FailureKind::drained, Side::proxy};
  if (conn_->stream.fd() < 0)
    co_return Failure{FailureKind::overload, Side::proxy};  // out of descriptors: not its fault (X7)
  if (status != IoStatus::ok) {
    // Its name may stand for another address by now (H4).
    const bool tell = !backend_->looked_up.empty() && !conn_->stream.tls();
    if (tell && !backend_->live->told_unreachable.exchange(true)) context_.unreachable(backend_->live->id);
    co_return Failure{FailureKind::connect, Side::upstream};
  }
  conn_->arm();
  co_return Failure{};
}

// The head as it goes out, once for all attempts, and the body that has come whole.
void Exchange::prepare_request(iovec (&pieces)[2]) {
  std::string_view body;
  whole_body_ = client_.whole_body(body);
  if (request_.empty()) {
    http::ForwardContext forward;
    forward.client_ip = client_.hop_address();
    forward.trusted = client_.trusted();
    forward.proto = client_.secure() ? "https" : "http";
    forward.identity = client_.identity();
    forward.request_id = request_id_;
    forward.strip_prefix = strip_prefix_;
    forward.default_host = backend_->authority;
    forward.random = random_;
    if (!service_->service->flags.empty()) forward.feature_flags = feature_flags();
    if (has_token_) forward.drop_cookie = route::kPreviewCookie;
    http1::write_request(client_.head(), forward, request_);
    if (service_->service->mirror) mirror(forward, body);
    if (whole_body_ && body.size() <= kSmallBody) request_.append(body);
  }
  attempt_.phase = Phase::sent;
  if (client_.head().login) conn_->login = true;
  conn_->stream.limit(spec().timeouts.response);
  body_separate_ = whole_body_ && body.size() > kSmallBody;
  pieces[0] = {const_cast<char*>(request_.data()), request_.size()};
  pieces[1] = {const_cast<char*>(body.data()), body_separate_ ? body.size() : 0};
}

Failure Exchange::after_send(IoStatus status) {
  if (gone_) return {FailureKind::gone, Side::client};
  if (cut_) return {FailureKind::drained, Side::proxy};
  if (status == IoStatus::timed_out) return {FailureKind::timeout, Side::upstream};
  // A backend that refuses a body closes early; its answer may be there to read.
  if (status != IoStatus::ok && !body_separate_) return {FailureKind::reset, Side::upstream};
  if (!whole_body_) {
    upload_started_ = upload_running_ = true;
    upload_unwanted_ = false;
    upload_done_.reset();
    spawn(upload());
  }
  return {};
}

// The rest of a long body, beside the reading of the answer.
Task<void> Exchange::upload() {
  char chunk_head[20];
  Buffer ending;  // the last chunk, with trailers
  const bool chunked = http1::request_framing(client_.head()) == http1::Framing::chunked;
  for (;;) {
    // Its write may have been done in the round that asked it to end: then nothing was there to be cancelled.
    if (upload_unwanted_) {
      upload_end_ = BodyPiece::Kind::canceled;
      break;
    }
    conn_->stream.no_limit();  // the client's time, not the backend's
    const BodyPiece piece = co_await client_.read_body();
    upload_end_ = piece.kind;
    if (piece.kind != BodyPiece::Kind::data && piece.kind != BodyPiece::Kind::done) {
      gone_ = gone_ || piece.kind == BodyPiece::Kind::gone;
      conn_->stream.cancel();
      break;
    }
    const bool last = piece.kind == BodyPiece::Kind::done;
    if (copy_) mirror_more(piece.data, last);
    std::string_view before, after;
    if (chunked && last) {
      http1::write_last_chunk(client_.trailers(), ending);
      before = ending.view();
    } else if (chunked) {
      before = {chunk_head, http1::encode_chunk_head(chunk_head, piece.data.size())};
      after = "\r\n";
    }
    const iovec pieces[3] = {{const_cast<char*>(before.data()), before.size()},
                             {const_cast<char*>(piece.data.data()), piece.data.size()},
                             {const_cast<char*>(after.data()), after.size()}};
    conn_->stream.limit(spec().timeouts.response);
    const auto status = co_await conn_->stream.write(pieces);
    if (last && status == IoStatus::ok) client_.watch(this);
    if (last || status != IoStatus::ok) break;
  }
  upload_running_ = false;
  upload_done_.fire();
}

// Ends an upload that nobody needs any more. Requires: it is running.
Task<void> Exchange::join_upload() {
  upload_unwanted_ = true;
  conn_->stream.cancel();
  client_.cancel();
  co_await upload_done_;
}

void Exchange::release_conn(bool reusable) {
  if (!conn_) return;
  if (reusable && conn_->login) {
    client_.logins().keep(*service_->service->live, std::move(conn_), idle_time());
  } else if (reusable && !speaks_for_client()) {
    claim_.backend()->put_idle(std::move(conn_), idle_time());
  } else {
    upstream::Connection::retire(std::move(conn_));
  }
}

std::chrono::milliseconds Exchange::idle_time() const {
  const auto quiet = (context_.wheel.tick() - last_byte_) * net::TimerWheel::kTick;
  return upstream::idle_time(answer_, spec().timeouts.idle, quiet);
}

Failure Exchange::failure_of(IoStatus status) const {
  if (cut_) return {FailureKind::drained, Side::proxy};
  if (upload_end_ == BodyPiece::Kind::malformed) return {FailureKind::malformed, Side::client};
  if (upload_end_ == BodyPiece::Kind::too_large) return {FailureKind::too_large, Side::client};
  if (upload_end_ == BodyPiece::Kind::too_slow) return {FailureKind::too_slow, Side::client};
  if (gone_) return {FailureKind::gone, Side::client};
  if (status == IoStatus::timed_out) return {FailureKind::timeout, Side::upstream};
  return {FailureKind::reset, Side::upstream};
}

void Exchange::client_gone() {
  gone_ = true;
  if (waiter_) waiter_->cancel();
  if (holder_) holder_->cancel();
  if (conn_) conn_->stream.cancel();
}

void Exchange::client_half_closed() {
  if (in_tunnel_) return;
  sent_at_grace_ = client_.body_bytes_out();
  expires_after(kHalfClosedGrace);
}

void Exchange::expired() {
  if (in_tunnel_) return cut();
  const bool moves = flushing_ || client_.body_bytes_out() != sent_at_grace_;
  if (moves) return client_half_closed();  // a writing that fails will tell
  client_gone();
}

void Exchange::cut() {
  cut_ = true;
  if (conn_) conn_->stream.cancel();
  if (client_.answered()) client_.cancel();
}

}  // namespace sluice::session
