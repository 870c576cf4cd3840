// M1: the mirrored copy of one request, if it is to have one: whether, and its body as it comes. A body that
// is long or of unknown length is not copied. Worker only.
#pragma once

#include <string_view>

#include "proxy/exchange/context.hpp"
#include "proxy/exchange/plan.hpp"
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

  // The request goes to its backend as `forward` says, `body` being all of it when `whole`. Only the first
  // call counts: another attempt makes no other copy.
  void offer(const http::ForwardContext& forward, std::string_view body, bool whole);
  // A further piece of the body.
  void more(std::string_view piece, bool last);

 private:
  bool is_wanted();

  Context& context_;
  const Plan& plan_;
  const client::ClientStream& client_;
  User& user_;
  bool offered_ = false;
  Mirrors::Copy* copy_ = nullptr;  // waits for the rest of the body
};

}  // namespace sluice::exchange
