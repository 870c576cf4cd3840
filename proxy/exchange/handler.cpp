#include "proxy/exchange/handler.hpp"

#include "proxy/exchange/exchange.hpp"

namespace sluice::exchange {

Task<void> Handler::serve(client::ClientStream& stream) { return Exchange::serve(context_, stream); }

}  // namespace sluice::exchange
