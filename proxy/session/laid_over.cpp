// What is laid over a service's shares, as one request meets it: preview tokens (S8), flags (F1), mirrors
// (M1).
#include <openssl/rand.h>

#include "proxy/http1/request_writer.hpp"
#include "proxy/session/exchange.hpp"

namespace sluice::session {
namespace {

bool is_safe(std::string_view method) {  // RFC 9110 9.2.1
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace

// The pool that the request's token leads to, or -1.
int Exchange::preview_pool(const route::Service& service) {
  const auto token = route::preview_token(client_.head());
  has_token_ = !token.empty();
  if (!has_token_) return -1;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto preview = route::preview_of(*view_->snapshot->preview_key, service, token,
                                         std::chrono::duration_cast<std::chrono::seconds>(now).count());
  preview_ignored_ = preview.ignored;
  return preview.pool;
}

// Who has no key yet gets the flags of the key that this answer's cookie gives him: they are his from the
// first request on.
std::string_view Exchange::user_key() {
  const route::Service& service = *service_->service;
  const auto key = route::user_key(service, decision_, client_.head(), client_.client_address());
  if (key.empty() && route::needs_cookie(service, decision_)) return new_id();
  return key;
}

std::string_view Exchange::feature_flags() {
  std::string& text = context_.flags_text;
  text.clear();
  route::append_flags(text, service_->service->flags, user_key());
  return text;
}

const std::string& Exchange::new_id() {
  if (!new_id_.empty()) return new_id_;
  std::array<std::uint64_t, 2> secret{};
  RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), sizeof secret);
  new_id_ = route::issued_id(*service_->service, decision_.pool, secret);
  return new_id_;
}

bool Exchange::is_to_be_mirrored() {
  const route::Service& service = *service_->service;
  const http::RequestHead& head = client_.head();
  if (route::is_override(decision_.by) || decision_.pool == service.mirror->pool) return false;
  if (!head.upgrade.empty() || (service.mirror->safe_only && !is_safe(head.method))) return false;
  const std::string_view salt = service.spec.sticky ? service.spec.sticky->salt : std::string_view();
  return route::is_mirrored(service.mirror->share, salt, user_key(), context_.random.next());
}

// A copy of the request that goes on with `forward`. A body that has not come yet is added as it comes
// (mirror_more); one that is long or of unknown length is not copied.
void Exchange::mirror(http::ForwardContext forward, std::string_view body) {
  if (!is_to_be_mirrored()) return;
  const http::RequestHead& head = client_.head();
  if (head.body == http::BodyLength::unknown || head.content_length > Mirrors::kLongestBody) {
    service_->service->live->per_worker[context_.worker].mirror_skipped.add();
    return;
  }
  auto* copy = context_.mirrors.make(view_, *service_, service_->service->mirror->pool, head.is_head);
  if (!copy) return;
  forward.mirror = true;
  http1::write_request(head, forward, copy->request);
  copy->request.append(body);
  if (whole_body_) return context_.mirrors.send(copy);
  copy_ = copy;
}

void Exchange::mirror_more(std::string_view piece, bool last) {
  copy_->request.append(piece);
  if (last) context_.mirrors.send(std::exchange(copy_, nullptr));
}

}  // namespace sluice::session
