#include "proxy/upstream/negotiated_request.hpp"

#include <utility>

#include "proxy/upstream/connect.hpp"
#include "proxy/upstream/http1_request.hpp"
#include "proxy/upstream/http2_request.hpp"

namespace sluice::upstream {

// Where HTTP/2 was agreed to last, all who come at once share one connection; where not, or when that turns
// out to be no longer so, each makes its own, and the first that agrees takes the others in.
Task<Connected> NegotiatedRequest::connect() {
  Http2Pool& pool = target_.backend->http2();
  if (pool.agreed) {
    const Connected connected = co_await share();
    if (connected == Connected::ok || pool.agreed) co_return connected;
    Request::finish(std::move(request_));
  }
  connecting_ = std::make_unique<Connection>(context_.poller, context_.wheel, *target_.backend);
  const Connected connected = co_await open_connection(*connecting_, target_, context_.handshakes);
  if (connected != Connected::ok) co_return connected;
  pool.agreed = connecting_->stream.tls() && connecting_->stream.tls()->alpn() == "h2";
  if (!pool.agreed) {
    connecting_->arm();
    request_.reset(new Http1Request(target_, std::move(connecting_), context_.wheel, context_.handshakes));
    co_return Connected::ok;
  }
  if (pool.wants_another(false))
    Http2Connection::adopt(context_, target_, std::move(connecting_));
  else
    Connection::retire(std::move(connecting_));
  const Connected shared = co_await share();
  co_return shared;
}

Task<Connected> NegotiatedRequest::share() {
  request_.reset(new Http2Request(context_, target_, false));
  if (request_->reused()) co_return Connected::ok;
  const Connected connected = co_await request_->connect();
  co_return connected;
}

void NegotiatedRequest::cancel() {
  if (connecting_) connecting_->stream.cancel();
  if (request_) request_->cancel();
}

// What it has become is what a failure is judged by.
void NegotiatedRequest::follow() {
  phase_ = request_->phase();
  reused_ = request_->reused();
}

AnswerEvent NegotiatedRequest::next() {
  const AnswerEvent event = request_->next();
  follow();
  return event;
}

void NegotiatedRequest::begin_head(const http::RequestHead& head, const http::ForwardContext& forward,
                                   std::string_view body, bool whole) {
  request_->begin_head(head, forward, body, whole);
  follow();
}

void NegotiatedRequest::begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
  request_->begin_data(piece, last, trailers);
}

StreamStatus NegotiatedRequest::take_sent() {
  const StreamStatus status = request_->take_sent();
  follow();
  return status;
}

StreamStatus NegotiatedRequest::take_arrival() {
  const StreamStatus status = request_->take_arrival();
  follow();
  return status;
}

Task<StreamStatus> NegotiatedRequest::read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) {
  return request_->read_tunnel(bytes, idle);
}

Task<StreamStatus> NegotiatedRequest::write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) {
  return request_->write_tunnel(bytes, idle);
}

void NegotiatedRequest::end(bool reset) {
  if (connecting_) Connection::retire(std::move(connecting_), reset);
  if (request_) request_.release()->end(reset);
  delete this;
}

}  // namespace sluice::upstream
