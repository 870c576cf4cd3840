#include "proxy/exchange/answer_fields.hpp"

#include <charconv>

namespace sluice::exchange {

void AnswerFields::add_cookie(const config::IssuedCookie& cookie, std::string_view id, bool secure) {
  cookie_.append(cookie.name).append("=").append(id);
  cookie_.append("; Path=").append(cookie.path);
  if (!cookie.domain.empty()) cookie_.append("; Domain=").append(cookie.domain);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(cookie.max_age).count();
  if (seconds > 0) cookie_.append("; Max-Age=").append(std::to_string(seconds));
  cookie_.append("; HttpOnly; SameSite=Lax");
  if (secure) cookie_.append("; Secure");
  add("Set-Cookie", cookie_);
}

void AnswerFields::add_preview(const Plan& plan) {
  if (plan.preview_ignored.empty())
    preview_ = plan.chosen->pool->name;
  else
    preview_.append("ignored, ").append(plan.preview_ignored);
  add(route::kPreviewHeader, preview_);
}

void AnswerFields::add_origin(std::string_view pool, std::string_view backend, std::uint64_t generation) {
  const auto end = std::to_chars(generation_, generation_ + sizeof generation_, generation).ptr;
  add("X-Sluice-Pool", pool);
  add("X-Sluice-Backend", backend);
  add("X-Sluice-Generation", {generation_, static_cast<std::size_t>(end - generation_)});
}

}  // namespace sluice::exchange
