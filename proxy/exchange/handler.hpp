// Serves the streams of one worker, each by an exchange of its own; a call of gRPC-Web by way of a
// translation, where its service asks for one; and ACME's questions, which no service sees. Worker only.
#pragma once

#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/context.hpp"

namespace sluice::exchange {

class Handler final : public client::StreamHandler {
 public:
  explicit Handler(Context& context) : context_(context) {}
  Task<void> serve(client::ClientStream& stream) override;

 private:
  [[gnu::noinline]] Task<void> look_closer(client::ClientStream& stream);

  Context& context_;
};

}  // namespace sluice::exchange
