// A client that speaks gRPC-Web, as who serves it sees it: a client that makes a gRPC call. Between the two
// it translates what proxy/grpc_web knows of: the types, a text to bytes and back, trailers to the last frame
// of the body. Worker only.
//
// Most of its methods are those of ClientStream and TunnelEnd.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/grpc_web/base64.hpp"
#include "proxy/grpc_web/content_type.hpp"
#include "proxy/grpc_web/messages.hpp"

namespace sluice::client {

class GrpcWebStream final : public ClientStream, private StreamObserver {
 public:
  // `client` has sent `call`, and outlives this.
  GrpcWebStream(ClientStream& client, const grpc_web::Call& call);
  ~GrpcWebStream() override { client_.set_observer(nullptr); }
  GrpcWebStream(const GrpcWebStream&) = delete;
  GrpcWebStream& operator=(const GrpcWebStream&) = delete;

  // --- ClientStream
  const http::RequestHead& head_as_sent() const override { return client_.head_as_sent(); }
  SocketAddresses addresses() const override { return client_.addresses(); }
  upstream::Logins& logins() override { return client_.logins(); }
  bool whole_body(std::string_view& body) const override;
  std::string_view first_piece() override;
  Task<BodyPiece> read_body() override;
  bool limit_body(std::uint64_t bytes) override { return client_.limit_body(bytes); }
  std::span<const http::Field> trailers() const override { return client_.trailers(); }
  bool count_kept(int bytes) override { return client_.count_kept(bytes); }
  bool body_read() const override { return client_.body_read(); }
  void watch() override { client_.watch(); }
  void send_interim(const http::ResponseHead& answer) override { client_.send_interim(answer); }
  void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) override;
  bool send_data(std::string_view piece, bool last) override;
  bool send_trailers(std::span<const http::Field> trailers) override;
  bool push() override { return noted(client_.push()); }
  Task<StreamStatus> flush() override;
  Task<StreamStatus> reply(OwnReply reply) override;
  bool open_tunnel(const http::ResponseHead& head) override { return client_.open_tunnel(head); }
  void reset() override { client_.reset(); }
  void cancel() override;
  // --- TunnelEnd; a call opens none
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override {
    return client_.read_tunnel(bytes, idle);
  }
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override {
    return client_.write_tunnel(bytes, idle);
  }
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { client_.set_tunnel_timeout(idle); }
  void end_tunnel() override { client_.end_tunnel(); }

 private:
  // The request's body, where it is a text.
  enum class Text : std::uint8_t {
    none,       // it is bytes
    whole,      // all of it is in decoded_
    pieces,     // it comes
    malformed,  // read_body() says so
  };
  enum class Answer : std::uint8_t {
    none,
    messages,  // of gRPC: trailers go into the body
    bodiless,  // the head was all: its status stands there ("Trailers-Only")
    foreign,   // something else: it goes as it came
    broken,    // it cannot be ended any more
  };

  void translate_head();
  void take_text();
  Task<BodyPiece> next_piece();
  Task<BodyPiece> read_text();
  Task<StreamStatus> flush_client();
  bool send(std::string_view bytes, bool last);
  bool send_coded();
  bool break_off();
  bool noted(bool sent);
  // --- StreamObserver
  void client_gone() override;
  void client_half_closed() override;

  ClientStream& client_;
  const grpc_web::Call call_;
  const grpc_web::TypeText backend_type_, client_type_;
  http::RequestHead request_;
  Text text_ = Text::none;
  grpc_web::Base64Decoder decoder_;
  Buffer decoded_;  // the piece that was handed out last, or the whole

  int waits_ = 0;  // for the client, under way
  Answer answer_ = Answer::none;
  grpc_web::MessageBounds bounds_;
  Buffer trailer_frame_;
  // Of an answer in base64: what of the piece was not coded yet, and what was coded last.
  std::string_view uncoded_;
  bool last_ = false;
  Buffer coded_;
};

}  // namespace sluice::client
