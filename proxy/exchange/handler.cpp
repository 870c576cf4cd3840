#include "proxy/exchange/handler.hpp"

#include "proxy/exchange/exchange.hpp"

namespace sluice::exchange {

// The exchange lives in this frame, which an idle connection does not keep.
Task<void> Handler::serve(client::ClientStream& stream) {
  Exchange exchange(context_, stream);
  co_await exchange.run();
}

}  // namespace sluice::exchange
