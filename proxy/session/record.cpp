// What is written down of a request: counters, the access log, and the proxy's own answers.
#include "proxy/client/access_line.hpp"
#include "proxy/session/exchange.hpp"

namespace sluice::session {

using net::Clock;

namespace {

// The backend's doing (G4); a client that left or was cut says nothing about the backend.
bool is_upstream(FailureKind kind) {
  return kind == FailureKind::connect || kind == FailureKind::reset || kind == FailureKind::timeout ||
         kind == FailureKind::protocol || kind == FailureKind::status;
}

int error_index(FailureKind kind) {
  if (kind == FailureKind::connect) return static_cast<int>(observe::UpstreamError::connect);
  if (kind == FailureKind::reset) return static_cast<int>(observe::UpstreamError::reset);
  if (kind == FailureKind::timeout) return static_cast<int>(observe::UpstreamError::timeout);
  if (kind == FailureKind::protocol) return static_cast<int>(observe::UpstreamError::protocol);
  return -1;
}

}  // namespace

OwnAnswer answer_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::connect:
      return {502, "connect", "No connection to a backend could be made.\n"};
    case FailureKind::reset:
      return {502, "reset", "The backend closed the connection before it had answered.\n"};
    case FailureKind::protocol:
      return {502, "protocol", "The backend's answer is no valid HTTP.\n"};
    case FailureKind::status:
      return {502, "protocol", "The backend failed.\n"};
    case FailureKind::timeout:
      return {504, "timeout", "The backend did not answer in time.\n"};
    case FailureKind::no_route:
      return {404, "no_route", "No route matches this request.\n"};
    case FailureKind::no_backend:
      return {503, "no_backend", "No backend is available.\n"};
    case FailureKind::set_aside:
      return {503, "no_backend", "This service could not be set up; see sluicectl status.\n"};
    case FailureKind::overload:
      return {503, "overload", "Too many requests are under way.\n"};
    case FailureKind::rate:
      return {429, "limit", "Too many requests; come back later.\n"};
    case FailureKind::drained:
      return {504, "timeout", "The backend was drained before it had answered.\n"};
    case FailureKind::paused:
      return {503, "paused", "This service is paused; try again in a moment.\n"};
    case FailureKind::stopped:
      return {503, "stopped", "This service is stopped.\n"};
    case FailureKind::malformed:
      return {400, "malformed", "The request's body is malformed.\n"};
    case FailureKind::too_slow:
      return {408, "timeout", "The request's body took too long to arrive.\n"};
    case FailureKind::too_large:
      return {413, "body", "The request's body is too large.\n"};
    case FailureKind::gone:
      return {0, "client", ""};
    case FailureKind::none:
      break;
  }
  return {0, "", ""};
}

Task<void> Exchange::answer(Failure failure) {
  const OwnAnswer own = answer_for(failure.kind);
  if (client_.answered() || own.status == 0) {
    client_.abort();
    co_return;
  }
  if (service_) service_->service->live->per_worker[context_.worker].own_errors.add();
  context_.counters.count_refused(own.reason);
  std::string_view text = own.text;
  if (failure.kind == FailureKind::stopped && !service_->service->hold->message.empty())
    text = service_->service->hold->message;
  const auto status = co_await client_.reply(own.status, own.reason, text, retry_after_);
  if (status != net::IoStatus::ok) client_.abort();
}

// The chosen pool's first attempt is what it is judged by (S9, G4): what a retry or a rescue hid still
// counts.
void Exchange::count_attempt(Failure failure, int status) {
  const bool failed = is_upstream(failure.kind) || failure.kind == FailureKind::no_backend || status >= 500;
  if (const int index = error_index(failure.kind); index >= 0)
    target_counters().upstream_errors[static_cast<std::size_t>(index)].add();
  if (!first_counted_ && (failed || status > 0)) {
    first_counted_ = true;
    if (failed) chosen_counters().errors.add();
    const bool judged = guarded_ != observe::Guard::Entry::refused;
    if (judged) service_->service->guard->count(failed);
    leave_guard();
    chosen_counters().by_class[status > 0 ? static_cast<std::size_t>(status) / 100 : 5].add();
  }
  if (!claim_) return;
  upstream::Backend& backend = *claim_.backend();
  auto& consecutive = backend.live().consecutive_errors;
  if (failed) {
    backend.counters().errors.add();
    const auto limit = static_cast<std::uint32_t>(spec().outlier.consecutive_errors);
    const auto count = consecutive.fetch_add(1, std::memory_order_relaxed) + 1;
    if (limit > 0 && count % limit == 0) context_.suspect(backend.id());
  } else if (status > 0 && consecutive.load(std::memory_order_relaxed) != 0) {
    consecutive.store(0, std::memory_order_relaxed);
  }
}

void Exchange::leave_guard() {
  if (guarded_ == observe::Guard::Entry::refused) return;
  service_->service->guard->leave(guarded_);
  guarded_ = observe::Guard::Entry::refused;
}

void Exchange::record(std::string_view error) {
  const int status = client_.status_sent();
  if (service_ && status > 0)
    service_->service->live->per_worker[context_.worker]
        .to_client[static_cast<std::size_t>(status) / 100]
        .add();
  leave_guard();
  if (chosen_) {
    auto& counters = chosen_counters();
    counters.in_flight.sub();
    if (!in_tunnel_) counters.duration.record(client::micros(Clock::now() - routed_));
    if (gone_ || error == "client") counters.aborted.add();
    if (target_ != chosen_ && error.empty()) counters.rescued.add();
  }
  if (!context_.access_log || !context_.access_log->on()) return;
  const http1::RequestHead& head = client_.head();
  observe::AccessRecord line;
  client::set_times(began_, line);
  line.generation = view_->snapshot->generation;
  line.bytes_in = client_.body_bytes_in() + tunnel_in_;
  line.bytes_out = client_.body_bytes_out() + tunnel_out_;
  if (answer_began_ > attempt_began_)
    line.upstream_micros = static_cast<std::uint32_t>(client::micros(answer_began_ - attempt_began_));
  line.status = static_cast<std::uint16_t>(status);
  line.attempts = static_cast<std::uint16_t>(tries_);
  line.request_id = request_id_;
  line.client = client_.client_address();
  line.method = head.method;
  line.host = head.host;
  line.path = head.path;
  line.query = head.query;
  line.protocol = head.version == http1::Version::http11 ? "HTTP/1.1" : "HTTP/1.0";
  line.scheme = client_.secure() ? "https" : "http";
  line.tls = client_.tls_version();
  client::add_fields(head.fields, line);
  if (service_) line.service = service_->service->spec.name;
  if (chosen_) line.pool = chosen_->pool->name;
  if (backend_) line.backend = backend_->name;
  static constexpr std::string_view kBy[] = {"listener", "preview", "key", "split"};
  if (chosen_) line.sticky = kBy[static_cast<std::size_t>(decision_.by)];
  line.error = error;
  context_.access_log->ring(context_.worker).push(line);
}

// The values are put together in one text; the views of them are made when it is complete.
std::span<const http::Field> Exchange::prepare_extra() {
  extra_.clear();
  std::array<std::size_t, std::tuple_size_v<decltype(extra_fields_)> + 1> begins;
  std::size_t count = 0;
  const auto begin_field = [&](std::string_view name) {
    extra_fields_[count].name = name;
    begins[count++] = extra_.size();
  };
  const route::Service& service = *service_->service;
  if (route::needs_cookie(service, decision_)) {
    const config::IssuedCookie& cookie = service.spec.sticky->issue_cookie;
    begin_field("Set-Cookie");
    extra_.append(cookie.name).append("=").append(new_id());
    extra_.append("; Path=").append(cookie.path);
    if (!cookie.domain.empty()) extra_.append("; Domain=").append(cookie.domain);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(cookie.max_age).count();
    if (seconds > 0) extra_.append("; Max-Age=").append(std::to_string(seconds));
    extra_.append("; HttpOnly; SameSite=Lax");
    if (client_.secure()) extra_.append("; Secure");
  }
  if (has_token_) {
    begin_field(route::kPreviewHeader);
    if (preview_ignored_.empty())
      extra_.append(chosen_->pool->name);
    else
      extra_.append("ignored, ").append(preview_ignored_);
  }
  if (service.spec.debug_headers) {
    begin_field("X-Sluice-Pool");
    extra_.append(target_->pool->name);
    begin_field("X-Sluice-Backend");
    extra_.append(backend_->name);
    begin_field("X-Sluice-Generation");
    extra_.append(std::to_string(view_->snapshot->generation));
  }
  begins[count] = extra_.size();
  for (std::size_t i = 0; i < count; ++i)
    extra_fields_[i].value = std::string_view(extra_).substr(begins[i], begins[i + 1] - begins[i]);
  return {extra_fields_.data(), count};
}

}  // namespace sluice::session
