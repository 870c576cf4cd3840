// M1: decides whether one request is copied, and gives the copy the request's body as it comes. A request
// whose body is long or of unknown length is not copied. Worker only.
#pragma once

#include <string_view>

#include "proxy/exchange/context.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/exchange/request_trace.hpp"
#include "proxy/exchange/user.hpp"
#include "proxy/http/forward.hpp"

namespace sluice::exchange {

class Shadow {
 public:
  Shadow(Context& context, const Plan& plan, const client::ClientStream& client, User& user)
      : context_(context), plan_(plan), client_(client), user_(user) {}
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  // An attempt sends the request as `forward` says; `body` is its whole body when `whole`. Only the first
  // call counts: further attempts make no further copy. `trace` is null where tracing is off.
  void offer(const http::ForwardContext& forward, std::string_view body, bool whole,
             const RequestTrace* trace);
  // Further pieces of the body are wanted.
  bool wants_more() const { return copy_ != nullptr; }
  // A further piece of the body.
  void more(std::string_view piece, bool last);

 private:
  bool is_wanted();
  void store(Mirrors::Copy& copy, http::ForwardContext forward, const RequestTrace* trace);

  Context& context_;
  const Plan& plan_;
  const client::ClientStream& client_;
  User& user_;
  bool offered_ = false;
  Mirrors::Copy* copy_ = nullptr;  // waits for the rest of the body
};

}  // namespace sluice::exchange
