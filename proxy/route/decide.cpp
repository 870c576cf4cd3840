#include "proxy/route/decide.hpp"

#include "proxy/base/values.hpp"
#include "proxy/config/dump.hpp"
#include "proxy/http/cookies.hpp"

namespace sluice::route {
namespace {

// Finds a pool of ten slots (0.01 %) all but always, one of a single slot two times in three; at worst a few
// milliseconds, for one request in as many as there are slots.
constexpr std::uint32_t kIdTries = kSlots;

std::string_view key_value(const config::StickyKey& key, const http::RequestHead& head,
                           std::string_view client_ip) {
  switch (key.from) {
    case config::StickyKey::From::header: {
      const auto* field = head.fields.find(key.name);
      return field ? field->value : std::string_view{};
    }
    case config::StickyKey::From::cookie:
      return http::cookie_value(head.fields, key.name);
    case config::StickyKey::From::query:
      return http::query_value(head.query, key.name);
    case config::StickyKey::From::ip:
      return client_ip;
  }
  return {};
}

bool sticky(const Service& service) { return service.spec.sticky && service.slots; }

std::uint32_t slot_in(const Service& service, std::string_view key) {
  return slot_of(service.spec.sticky->salt, key);
}

std::size_t owner(const Service& service, std::string_view key) {
  return (*service.slots)[slot_in(service, key)];
}

// `place` gives the place in the sequence if it comes to that.
template <typename Place>
Decision decide_at(const Service& service, const http::RequestHead& head, std::string_view client_ip,
                   int fixed_pool, int preview_pool, Place place) {
  if (fixed_pool >= 0) return {static_cast<std::size_t>(fixed_pool), DecisionSource::listener, {}};
  if (preview_pool >= 0) return {static_cast<std::size_t>(preview_pool), DecisionSource::preview, {}};
  if (sticky(service)) {
    const auto key = sticky_key(*service.spec.sticky, head, client_ip);
    if (!key.empty()) {
      const std::uint32_t slot = slot_in(service, key);
      return {(*service.slots)[slot], DecisionSource::key, key, slot};
    }
  }
  const std::uint32_t point = split_point(service.sequence->seed, place());
  return {service.split.pool_at(point), DecisionSource::split, {}, point};
}

std::string shares_text(const Service& service) {
  std::string text;
  for (const auto& pool : service.pools)
    text += (text.empty() ? "" : ", ") + pool.name + " " + format_share(pool.share);
  return text;
}

std::string slot_text(const Service& service, std::string_view key) {
  const auto& salt = service.spec.sticky->salt;
  return "with salt " + sluice::quoted(salt) + " it is slot " + std::to_string(slot_of(salt, key)) + " of " +
         std::to_string(kSlots) + ", which pool " + service.pools[owner(service, key)].name + " owns";
}

// `value` as the 16 hex digits that end at `end`.
void put_hex(std::string& text, std::size_t end, std::uint64_t value) {
  for (std::size_t i = 1; i <= 16; ++i, value >>= 4) text[end - i] = "0123456789abcdef"[value & 15];
}

}  // namespace

std::string_view sticky_key(const config::StickySpec& spec, const http::RequestHead& head,
                            std::string_view client_ip) {
  for (const auto& key : spec.keys) {
    const auto value = key_value(key, head, client_ip);
    if (!value.empty()) return value;
  }
  return {};
}

Decision decide(const Service& service, const http::RequestHead& head, std::string_view client_ip,
                int fixed_pool, int preview_pool) {
  return decide_at(service, head, client_ip, fixed_pool, preview_pool,
                   [&] { return service.sequence->next.fetch_add(1, std::memory_order_relaxed); });
}

Decision would_decide(const Service& service, const http::RequestHead& head, std::string_view client_ip,
                      int fixed_pool, int preview_pool) {
  return decide_at(service, head, client_ip, fixed_pool, preview_pool,
                   [&] { return service.sequence->next.load(std::memory_order_relaxed); });
}

std::vector<std::string> explain_steps(const Service& service, const http::RequestHead& head,
                                       std::string_view client_ip, int fixed_pool,
                                       const std::optional<Preview>& preview) {
  const auto decision = would_decide(service, head, client_ip, fixed_pool, preview ? preview->pool : -1);
  const auto& pool = service.pools[decision.pool].name;
  if (decision.by == DecisionSource::listener)
    return {"the listener sends every request of " + service.spec.name + " to pool " + pool};

  std::vector<std::string> steps = {"the listener has no fixed pool for " + service.spec.name};
  if (decision.by == DecisionSource::preview) {
    steps.push_back("the preview token sends it to pool " + pool);
    return steps;
  }
  if (preview) steps.push_back("the preview token is ignored: " + std::string(preview->ignored));
  if (sticky(service)) {
    for (const auto& key : service.spec.sticky->keys) {
      const auto value = key_value(key, head, client_ip);
      if (value.empty()) {
        steps.push_back("key " + config::to_string(key) + " is absent");
        continue;
      }
      steps.push_back("key " + config::to_string(key) + " is " + sluice::quoted(value) + ": " +
                      slot_text(service, value));
      return steps;
    }
  } else {
    steps.push_back("no sticky keys are configured");
  }
  steps.push_back(
      "no key decides, so the exact split does (" + shares_text(service) +
      "): the next such request goes to pool " + pool +
      (needs_cookie(service, decision) ? " and gets cookie " + service.spec.sticky->issue_cookie.name : ""));
  return steps;
}

std::string_view user_key(const Service& service, const Decision& decision, const http::RequestHead& head,
                          std::string_view client_ip) {
  if (decision.by == DecisionSource::key || !service.spec.sticky) return decision.sticky_key;
  return is_override(decision.by) ? sticky_key(*service.spec.sticky, head, client_ip) : std::string_view{};
}

std::string issued_id(const Service& service, std::size_t pool, std::array<std::uint64_t, 2> random) {
  std::string id(32, '0');
  put_hex(id, 16, random[0]);
  put_hex(id, 32, random[1]);
  if (!sticky(service)) return id;
  for (std::uint32_t i = 1; i < kIdTries && owner(service, id) != pool; ++i) put_hex(id, 32, random[1] + i);
  return id;
}

}  // namespace sluice::route
