#include "proxy/exchange/shadow.hpp"

#include <utility>

namespace sluice::exchange {
namespace {

bool is_safe(std::string_view method) {  // RFC 9110 9.2.1
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace

Shadow::~Shadow() {
  if (copy_) context_.mirrors.discard(copy_);
}

bool Shadow::is_wanted() {
  const route::Service& service = plan_.routed();
  const http::RequestHead& head = client_.head();
  if (route::is_override(plan_.decision.by) || plan_.decision.pool == service.mirror->pool) return false;
  if (!head.upgrade.empty() || (service.mirror->safe_only && !is_safe(head.method))) return false;
  const std::string_view salt = service.spec.sticky ? service.spec.sticky->salt : std::string_view();
  return route::is_mirrored(service.mirror->share, salt, user_.key(), context_.random.next());
}

void Shadow::offer(const http::ForwardContext& forward, std::string_view body, bool whole,
                   const RequestTrace* trace) {
  const route::Service& service = plan_.routed();
  if (!service.mirror || std::exchange(offered_, true) || !is_wanted()) return;
  const http::RequestHead& head = client_.head();
  if (head.body == http::BodyLength::unknown || head.content_length > Mirrors::kLongestBody) {
    plan_.live().per_worker[context_.worker.worker].mirror_skipped.add();
    return;
  }
  Mirrors::Copy* copy = context_.mirrors.make(plan_.view, *plan_.service, service.mirror->pool);
  if (!copy) return;
  store(*copy, forward, trace);
  copy->append(body);
  if (whole) return context_.mirrors.send(copy);
  copy_ = copy;
}

// A copy has a span of its own, which its backend is told of.
void Shadow::store(Mirrors::Copy& copy, http::ForwardContext forward, const RequestTrace* trace) {
  char told[55];
  CopySpan span;
  if (trace) span = trace->copy(context_.random.next());
  if (span.ring) forward.traceparent = span.traceparent(told);
  copy.store(client_.head(), forward, span);
}

void Shadow::more(std::string_view piece, bool last) {
  if (!copy_) return;
  copy_->append(piece);
  if (last) context_.mirrors.send(std::exchange(copy_, nullptr));
}

}  // namespace sluice::exchange
