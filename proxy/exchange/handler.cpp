#include "proxy/exchange/handler.hpp"

#include "proxy/client/translation.hpp"
#include "proxy/exchange/exchange.hpp"

namespace sluice::exchange {

Task<void> Handler::serve(client::ClientStream& stream) {
  if (context_.view->snapshot->looks_closer) return look_closer(stream);
  return Exchange::serve(context_, stream);
}

// A proof goes before every route (RFC 8555 8.3): only its own path, and only while its order is under way. A
// call of gRPC-Web comes back as one of gRPC, if the service that its route leads to wants that.
Task<void> Handler::look_closer(client::ClientStream& stream) {
  const upstream::WorkerSnapshot& view = *context_.view;
  if (const auto& proofs = view.snapshot->proofs; proofs && proofs->contains(stream.head().path))
    return Exchange::serve_proof(context_, stream);
  const auto call = grpc_web::read_call(stream.head());
  const auto match = call ? view.snapshot->routes->find(stream.head()) : std::nullopt;
  const bool wanted = match && view.snapshot->services[match->service].spec.grpc_web;
  if (wanted) return client::serve_as_grpc(stream, *call, *this);
  return Exchange::serve(context_, stream);
}

}  // namespace sluice::exchange
