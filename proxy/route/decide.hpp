// S8: which pool a request of a service goes to. Pure but for the step of the service's sequence.
//
// The order is: the listener's fixed pool; a preview token (preview.hpp); the first key that is present (S4);
// the exact split (S3). A listener's fixed pool is the operator's word and is followed even when that pool
// cannot serve: then S9 decides what happens.
//
// The keys are asked in the order written. A request without any of them is split exactly; if `issue_cookie`
// is set it gets a cookie, which is its key from then on. issued_id() makes one that leads to the pool the
// split has just chosen, so that this user, too, stays in one pool (S6). The issued cookie is the first key
// unless the operator wrote it elsewhere: so the user stays in his pool when he logs in and gets another key
// (S10).
// A list with `ip` in it always finds a key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/http/message.hpp"
#include "proxy/route/preview.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::route {

enum class DecisionSource : std::uint8_t { listener, preview, key, split };

struct Decision {
  std::size_t pool = 0;  // index into Service::pools
  DecisionSource by = DecisionSource::split;
  std::string_view sticky_key;  // the key used; empty unless by == key. Points into the head or client_ip
  std::uint32_t place = 0;      // below kWhole: the key's slot, or the point of the split; 0 of the others
};

// The first present and non-empty key; empty when there is none. Headers are compared without case, the names
// of cookies and query parameters exactly; nothing is decoded. Of several values of the same name the first
// counts.
std::string_view sticky_key(const config::StickySpec& spec, const http::RequestHead& head,
                            std::string_view client_ip);

// `fixed_pool`: the listener's, -1 for none; `preview_pool`: the token's, likewise. Takes the next place of
// service.sequence only when the split decides. Requires: the service is not disabled. Allocates only for
// keys above half a kilobyte. Any thread.
Decision decide(const Service& service, const http::RequestHead& head, std::string_view client_ip,
                int fixed_pool, int preview_pool = -1);

// What decide() would say now, without taking a place of the sequence.
Decision would_decide(const Service& service, const http::RequestHead& head, std::string_view client_ip,
                      int fixed_pool, int preview_pool = -1);

// One sentence for each step of S8 up to the one that decides. Takes no place of the sequence. `preview` is
// what the request's token does; without one there is nothing to say of it.
std::vector<std::string> explain_steps(const Service& service, const http::RequestHead& head,
                                       std::string_view client_ip, int fixed_pool,
                                       const std::optional<Preview>& preview = std::nullopt);

// An override chose the pool: no share and no gate counts the request (G4).
inline bool is_override(DecisionSource by) {
  return by == DecisionSource::listener || by == DecisionSource::preview;
}

// Who the user is, for flags and mirrors: the key of the decision, or, when that was not asked, the first
// that is present.
std::string_view user_key(const Service& service, const Decision& decision, const http::RequestHead& head,
                          std::string_view client_ip);

// The answer to this request sets the service's issued cookie (S6).
inline bool needs_cookie(const Service& service, const Decision& decision) {
  return decision.by == DecisionSource::split && service.spec.sticky &&
         !service.spec.sticky->issue_cookie.name.empty();
}

// A new id for the issued cookie: 32 hex digits, `random` (128 bits of a secure source) or one of the numbers
// right behind it: the first that leads to `pool`. It costs as many hashes as the service has pools, on
// average over its requests. Only for a pool of a few slots may the search end without success; then the id
// is one that leads elsewhere.
std::string issued_id(const Service& service, std::size_t pool, std::array<std::uint64_t, 2> random);

}  // namespace sluice::route
