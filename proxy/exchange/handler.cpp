#include "proxy/exchange/handler.hpp"

#include "proxy/client/translation.hpp"
#include "proxy/exchange/exchange.hpp"

namespace sluice::exchange {

Task<void> Handler::serve(client::ClientStream& stream) {
  if (context_.view->snapshot->has_grpc_web) return serve_or_translate(stream);
  return Exchange::serve(context_, stream);
}

// A call of gRPC-Web comes back as one of gRPC, if the service that its route leads to wants that.
Task<void> Handler::serve_or_translate(client::ClientStream& stream) {
  const upstream::WorkerSnapshot& view = *context_.view;
  const auto call = grpc_web::read_call(stream.head());
  const auto match = call ? view.snapshot->routes->find(stream.head()) : std::nullopt;
  const bool wanted = match && view.snapshot->services[match->service].spec.grpc_web;
  if (wanted) return client::serve_as_grpc(stream, *call, *this);
  return Exchange::serve(context_, stream);
}

}  // namespace sluice::exchange
