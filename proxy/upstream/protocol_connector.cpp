#include "proxy/upstream/protocol_connector.hpp"

#include "proxy/upstream/http2_request.hpp"
#include "proxy/upstream/negotiated_request.hpp"

namespace sluice::upstream {

// A connection that waits speaks HTTP/1, whatever else its backend speaks.
RequestPtr ProtocolConnector::open(const Target& target, bool fresh) {
  auto waiting = fresh ? nullptr : Http1Connector::take_waiting(target);
  if (!waiting && target.backend->protocol() != BackendProtocol::h1) return open_http2(target, fresh);
  return http1_.begin(target, std::move(waiting));
}

RequestPtr ProtocolConnector::open_http2(const Target& target, bool fresh) {
  Backend& backend = *target.backend;
  switch (backend.protocol()) {
    case BackendProtocol::h1:
    case BackendProtocol::h2:
      return RequestPtr(new Http2Request(context_, target, fresh));
    case BackendProtocol::by_alpn:
      if (backend.http2().taking() > 0 && !fresh)
        return RequestPtr(new Http2Request(context_, target, fresh));
      return RequestPtr(new NegotiatedRequest(context_, target));
  }
  return nullptr;
}

}  // namespace sluice::upstream
