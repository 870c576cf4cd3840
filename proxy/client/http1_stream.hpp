// One request on an HTTP/1 connection: the ClientStream of the one who answers it. The connection has one
// such stream and uses it for request after request. Worker only.
//
// Most of its methods are those of ClientStream and TunnelEnd.
#pragma once

#include <chrono>
#include <cstdint>

#include "proxy/base/network.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/client/http1_input.hpp"
#include "proxy/client/http1_output.hpp"
#include "proxy/http1/body.hpp"
#include "proxy/http1/message.hpp"
#include "proxy/net/stream.hpp"

namespace sluice::client {

class Connection;

class Http1Stream final : public ClientStream, private net::ReadObserver {
 public:
  // All of these outlive it.
  Http1Stream(Connection& connection, Http1Input& input, Http1Output& output);

  // --- for the HTTP/1 connection
  // A request begins. Its head stays where it is until the next one begins.
  void begin(const http1::RequestHead& head, bool may_stay_open);
  // The handler is done with the request.
  void end();
  // A small end of the answer is still to be sent, so that it goes with the other answers of this round. Then
  // after_send().
  bool end_is_unsent() const { return end_unsent_; }
  void after_send(net::IoStatus status);
  // The next request may follow: both messages ended where they should, and neither side wants the end.
  bool stays_open() const { return keep_alive_ && client_ != ClientSide::lost && body_.done(); }
  // Neither a FIN nor a loss is known of the client.
  bool is_open() const { return client_ == ClientSide::open; }
  // Nothing can be sent to the client or read from it any more.
  void lose();

  // --- ClientStream
  SocketAddresses addresses() const override;
  upstream::Logins& logins() override;
  bool whole_body(std::string_view& body) const override;
  std::string_view first_piece() override;
  Task<BodyPiece> read_body() override;
  bool limit_body(std::uint64_t bytes) override;
  std::span<const http::Field> trailers() const override { return body_.trailers(); }
  bool body_read() const override { return body_.done(); }
  void watch() override;
  void send_interim(const http::ResponseHead& answer) override;
  void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) override;
  bool send_data(std::string_view piece, bool last) override;
  bool send_piped(Pipe& piece, bool last) override;
  bool send_trailers(std::span<const http::Field> trailers) override;
  bool push() override { return send_data({}, false); }
  Task<StreamStatus> flush() override;
  Task<StreamStatus> reply(OwnReply reply) override;
  bool open_tunnel(const http::ResponseHead& head) override;
  void reset() override;
  void cancel() override { socket_.cancel(); }
  // --- TunnelEnd
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Pipe* tunnel_pipe() override { return pipe_.empty() ? nullptr : &pipe_; }
  Task<StreamStatus> write_tunnel_pipe(Pipe& bytes, std::chrono::milliseconds idle) override;
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override;
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { socket_.set_timeout(idle); }
  void end_tunnel() override { socket_.shutdown_send(); }

 private:
  enum class ClientSide : std::uint8_t { open, half_closed, lost };

  void on_unawaited_read() override;
  bool read_ahead();
  void read_on(std::uint64_t most);
  void take_read(std::size_t size);
  bool take_piece(BodyPiece& piece);
  bool is_over_limit() const { return body_limit_ > 0 && bytes_in_ > body_limit_; }
  std::chrono::milliseconds body_timeout() const;
  void end_wait();
  bool send(bool all_copied, bool last);

  Connection& connection_;
  net::Stream& socket_;
  Http1Input& input_;
  Http1Output& output_;

  // The request under way.
  const http1::RequestHead* wire_head_ = nullptr;  // head() with what HTTP/1 adds
  IpText client_text_;                             // of info().address, where a trusted proxy says it
  http1::BodyReader body_;
  Pipe pipe_;                     // a piece of the body, or of a tunnel, on its way to the backend
  std::uint64_t body_limit_ = 0;  // bytes; 0: none
  std::chrono::milliseconds body_waited_{0};  // for the body, in all
  bool keep_alive_ = false;
  bool end_unsent_ = false;

  ClientSide client_ = ClientSide::open;  // of the connection, as far as is known
};

}  // namespace sluice::client
