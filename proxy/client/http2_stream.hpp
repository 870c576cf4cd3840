// One request on an HTTP/2 connection: the ClientStream of the one who answers it. The connection hands it
// what comes; what the stream says goes through the connection's session. Worker only.
//
// Most of its methods are those of ClientStream and TunnelEnd.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/h2/head_reader.hpp"
#include "proxy/mux/arrivals.hpp"
#include "proxy/mux/stream_wait.hpp"
#include "proxy/mux/transport.hpp"

namespace sluice::client {

class Http2Connection;

// The connection's list of its streams.
struct StreamHook : net::WheelHook {};

class Http2Stream final : public ClientStream, public StreamHook, public mux::StreamUser {
 public:
  Http2Stream(Http2Connection& connection, h2::StreamId id);
  ~Http2Stream() override;
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // --- for the connection, as it decodes
  h2::StreamId id() const { return id_; }
  net::Clock::time_point began() const { return began_; }
  http::RequestHead& request_head() { return request_; }  // its views point into a block of the session's
  void arrive(std::string_view data) { body_.add(data); }
  void end_of_request() { input_ = Input::whole; }
  void take_trailers(const h2::FieldBlock& block) { h2::read_trailers(block, trailers_); }
  // After all that came at once was decoded: who waits for it may go on.
  void begin();
  void wake_reader() { reader_.wake(); }
  // The client is gone, or took the stream back: nothing can be sent or read any more.
  void lose();
  // The client sends no more at all (FIN).
  void half_close();
  bool is_lost() const { return input_ == Input::lost; }

  // --- ClientStream
  SocketAddresses addresses() const override;
  upstream::Logins& logins() override;
  bool whole_body(std::string_view& body) const override;
  std::string_view first_piece() override;
  Task<BodyPiece> read_body() override;
  bool limit_body(std::uint64_t bytes) override;
  std::span<const http::Field> trailers() const override { return trailers_; }
  bool body_read() const override { return whole_ || (input_ == Input::whole && body_.empty()); }
  bool count_kept(int bytes) override;
  void watch() override {}  // the connection reads on, whatever its streams do
  void send_interim(const http::ResponseHead& answer) override;
  void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) override;
  bool send_data(std::string_view piece, bool last) override;
  bool send_trailers(std::span<const http::Field> trailers) override;
  bool push() override;
  Task<StreamStatus> flush() override;
  Task<StreamStatus> reply(OwnReply reply) override;
  bool open_tunnel(const http::ResponseHead& head) override;
  void reset() override;
  void cancel() override;
  // --- mux::StreamUser
  void on_drained() override { writer_.wake(); }
  // --- TunnelEnd
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override;
  void set_tunnel_timeout(std::chrono::milliseconds idle) override;
  void end_tunnel() override { send_data({}, true); }

 private:
  // What is known of the request's end.
  enum class Input : std::uint8_t { open, whole, lost };

  h2::Session& session() const;
  bool take_arrived(std::string_view& bytes);
  bool may_hand_out() const;
  bool is_worth_sending() const;
  bool has_arrived() const { return !body_.empty() && may_hand_out(); }
  std::chrono::milliseconds patience() const;
  void give_credit();
  bool give(std::string_view piece, bool last);
  bool is_sent() const;
  void reply_to_call(const OwnReply& reply);
  Task<StreamStatus> wait_until_sent(std::chrono::milliseconds limit);

  Http2Connection& connection_;
  const h2::StreamId id_;
  Input input_ = Input::open;
  bool whole_ = false;         // all of the body had come when the request began
  bool answer_whole_ = false;  // its end was given to the session
  const net::Clock::time_point began_ = net::Clock::now();
  http::RequestHead request_;
  IpText client_text_;  // of info().address, where a trusted proxy says it
  std::vector<http::Field> trailers_;

  mux::Arrivals body_;
  std::uint64_t body_limit_ = 0;              // bytes; 0: none
  std::chrono::milliseconds body_waited_{0};  // for the body, in all
  mux::StreamWait reader_, writer_;
};

}  // namespace sluice::client
