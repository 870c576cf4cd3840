#include "proxy/upstream/protocol_connector.hpp"

#include <utility>

#include "proxy/upstream/http2_request.hpp"
#include "proxy/upstream/negotiated_request.hpp"

namespace sluice::upstream {

RequestPtr ProtocolConnector::open(const Target& target, bool fresh) {
  switch (target.backend->protocol()) {
    case BackendProtocol::h1:
      break;
    case BackendProtocol::h2:
      return RequestPtr(new Http2Request(context_, target, fresh));
    case BackendProtocol::by_alpn:
      return open_by_alpn(target, fresh);
  }
  return http1_.open(target, fresh);
}

// What is there already knows what it speaks: a connection that waits speaks HTTP/1.
RequestPtr ProtocolConnector::open_by_alpn(const Target& target, bool fresh) {
  if (fresh) return RequestPtr(new NegotiatedRequest(context_, target));
  if (auto waiting = Http1Connector::take_waiting(target)) return http1_.begin(target, std::move(waiting));
  if (target.backend->http2().taking() > 0) return RequestPtr(new Http2Request(context_, target, false));
  return RequestPtr(new NegotiatedRequest(context_, target));
}

}  // namespace sluice::upstream
