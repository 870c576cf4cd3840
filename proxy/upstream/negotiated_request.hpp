// A request to a backend that speaks HTTP/1 or HTTP/2, on a new connection whose TLS handshake says which:
// from then on it is one or the other. Worker only.
#pragma once

#include <memory>

#include "proxy/upstream/http2_connection.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::upstream {

// All of its methods are those of Request and TunnelEnd.
class NegotiatedRequest final : public Request {
 public:
  NegotiatedRequest(ConnectContext& context, const Target& target) : context_(context), target_(target) {}

  Task<Connected> connect() override;
  AnswerEvent next() override;
  const http::ResponseHead& answer() const override { return request_->answer(); }
  std::span<const http::Field> trailers() const override { return request_->trailers(); }
  bool ended_with_head() const override { return request_->ended_with_head(); }
  void cancel() override;

  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override;
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { request_->set_tunnel_timeout(idle); }
  void end_tunnel() override { request_->end_tunnel(); }

 private:
  ~NegotiatedRequest() override = default;
  void end(bool reset) override;
  void begin_head(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                  bool whole) override;
  void begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) override;
  bool is_sent() override { return request_->is_sent(); }
  void resume_when_sent(std::coroutine_handle<> h) override { request_->resume_when_sent(h); }
  StreamStatus take_sent() override;
  bool has_arrived() override { return request_->has_arrived(); }
  void resume_when_arrived(std::coroutine_handle<> h) override {
    request_->limit_reads(most_read_);
    request_->resume_when_arrived(h);
  }
  StreamStatus take_arrival() override;

  Task<Connected> share();
  void follow();

  ConnectContext& context_;
  const Target target_;
  std::unique_ptr<Connection> connecting_;
  RequestPtr request_;  // the one that it has become
};

}  // namespace sluice::upstream
