// The user of one request, for flags (F1), mirrors (M1) and the issued cookie (S6). Worker only.
#pragma once

#include <string>
#include <string_view>

#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/plan.hpp"

namespace sluice::exchange {

class User {
 public:
  User(const Plan& plan, const client::ClientStream& client) : plan_(plan), client_(client) {}

  // The user's sticky key. A user without one is known by the cookie that this answer sets, so that flags and
  // mirrors are the same from the first request on.
  std::string_view key();
  // The answer sets the issued cookie.
  bool needs_cookie() const { return route::needs_cookie(plan_.routed(), plan_.decision); }
  // Its value, made when it is asked for first.
  const std::string& issued_id();

 private:
  const Plan& plan_;
  const client::ClientStream& client_;
  std::string issued_id_;
};

}  // namespace sluice::exchange
