// What the proxy says to a backend about a request: the inputs of http::forward_request(). Worker only.
#pragma once

#include <string>

#include "proxy/exchange/plan.hpp"
#include "proxy/exchange/user.hpp"
#include "proxy/http/forward.hpp"

namespace sluice::exchange {

// What marks a request on its way: the id that log lines carry, and the random words that it, the trace and
// the span are made of.
struct RequestId {
  // `source` has next(), 64 random bits.
  template <class Random>
  RequestId(const http::RequestHead& head, Random& source) {
    for (auto& word : random) word = source.next();
    text = http::choose_request_id(head, random, made);
  }
  RequestId(const RequestId&) = delete;
  RequestId& operator=(const RequestId&) = delete;

  // The trace id of `random`, if it was made.
  std::string_view trace_id() const { return text.data() == made ? text : std::string_view(); }

  std::array<std::uint64_t, 3> random;
  char made[32];
  std::string_view text;  // the client's own, or in `made`
};

// Views into all that is passed; the text of the flags is written to `flags`.
http::ForwardContext forward_context(const client::ClientInfo& info, const RequestId& id, const Plan& plan,
                                     const route::Backend& to, User& user, std::string& flags);

}  // namespace sluice::exchange
