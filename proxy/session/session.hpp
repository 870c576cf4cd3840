// A client's HTTP/1 connection: one request after the other, each handed to an Exchange. Owns its socket;
// decides nothing about where a request goes. Frees itself. Worker only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/buffer.hpp"
#include "proxy/base/network.hpp"
#include "proxy/client/listener_info.hpp"
#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/session/context.hpp"
#include "proxy/session/downstream.hpp"

namespace sluice::session {

class Exchange;

struct SessionHook : net::WheelHook {};

class Session final : private SessionHook, private Downstream, private net::ReadObserver {
 public:
  // Serves `fd`, a connected non-blocking socket, until it ends. `sessions` is the worker's list.
  static void start(Context& context, std::shared_ptr<const client::ListenerInfo> listener, int fd,
                    const PeerInfo& caller, SessionHook& sessions);
  static Session& from(net::WheelHook& hook) {
    return static_cast<Session&>(static_cast<SessionHook&>(hook));
  }

  // Shutdown: a connection between two requests ends now; one with a request under way ends after it.
  void end_when_idle();
  // Ends now, whatever runs.
  void cut();

 private:
  enum class HeadResult : std::uint8_t { incomplete, complete, refused, closed };

  Session(Context& context, std::shared_ptr<const client::ListenerInfo> listener, int fd,
          const PeerInfo& caller);
  ~Session() override;

  Task<void> run();
  Task<void> serve();
  bool admit();
  void after_handshake(net::IoStatus status);
  Task<void> answer_request();
  bool stays_open() const;
  void begin_message();
  void end_message();
  // To read out a client that sends on, as nginx's lingering_time; and for the FIN of one that has sent all,
  // or that was too slow to be waited for any longer.
  static constexpr std::chrono::seconds kLinger{30}, kGoodbye{2};
  Task<void> refuse_clear_text();
  Task<void> linger(std::chrono::milliseconds patience);

  // session_head.cpp
  HeadResult look_for_head();
  bool misdirected() const;
  void prepare_read();
  HeadResult after_read(net::ReadResult read);
  std::chrono::milliseconds patience() const;
  bool arm_ahead();
  Task<void> refuse();
  void record_refusal(net::Clock::time_point began, std::size_t bytes_out);
  void on_unawaited_read() override;

  // session_body.cpp
  std::chrono::milliseconds body_patience() const;
  void end_wait();

  // session_answer.cpp
  void after_write(net::IoStatus status);

  Buffer& tail() { return body_in_use_ ? body_in_ : in_; }
  // The next read goes to the buffer's room.
  void arm(Buffer& buffer) {
    char* room = buffer.room();
    stream_.arm(room, buffer.room_size());
  }

  // Downstream
  const http1::RequestHead& head() const override { return *head_; }
  std::string_view client_address() const override { return client_address_; }
  SocketAddresses ends() const override;
  std::string_view hop_address() const override { return trusted_ ? hop_address_ : client_address_; }
  bool trusted() const override { return trusted_; }
  std::string_view listener() const override { return listener_->spec.name; }
  bool secure() const override;
  upstream::Logins& logins() override { return logins_; }
  std::string_view tls_version() const override;
  std::span<const http::Field> identity() const override { return identity_fields_; }
  bool whole_body(std::string_view& body) const override;
  Task<BodyPiece> read_body() override;
  bool limit_body(std::uint64_t bytes) override;
  std::span<const http::Field> trailers() const override { return body_.trailers(); }
  bool body_read() const override { return body_.done(); }
  void watch(ClientWatcher* watcher) override;
  void interim(const http1::ResponseHead& answer) override;
  void begin(const http1::ResponseHead& answer, std::span<const http::Field> extra) override;
  bool write(std::string_view piece, bool last, std::span<const http::Field> trailers) override;
  Task<net::IoStatus> flush() override;
  Task<net::IoStatus> reply(int status, std::string_view reason, std::string_view text,
                            int retry_after) override;
  bool answered() const override { return answered_; }
  std::uint64_t body_bytes_out() const override { return bytes_out_; }
  std::uint64_t body_bytes_in() const override { return bytes_in_; }
  int status_sent() const override { return status_; }
  void abort() override { aborted_ = true; }
  void cancel() override { stream_.cancel(); }
  Task<net::IoStatus> read_raw(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Task<net::IoStatus> write_raw(std::string_view bytes, std::chrono::milliseconds idle) override;
  void limit_raw(std::chrono::milliseconds idle) override { stream_.limit(idle); }
  void shutdown_send() override { stream_.shutdown_send(); }

  Context& context_;
  std::shared_ptr<const client::ListenerInfo> listener_;
  net::Stream stream_;
  const PeerInfo caller_;
  const bool trusted_;  // one of the listener's trusted proxies: what it says of the client is believed
  IpText client_address_text_, hop_address_text_;
  // The caller's; of a trusted one the client's that it speaks for, anew with each request.
  std::string_view client_address_;
  std::vector<tls::IdentityField> identity_;  // of the client's certificate
  std::vector<http::Field> identity_fields_;  // views of it
  std::string_view hop_address_;

  Buffer in_;       // the head under way and what came with it; then the next one
  Buffer body_in_;  // further pieces of a long body, so that the head stays where its views point
  bool body_in_use_ = false;
  std::size_t body_at_ = 0;  // of in_: where unread body begins, behind the head
  Buffer out_;
  http1::RequestParser parser_{listener_->head_limits()};
  http1::Refusal refusal_;
  http1::BodyReader body_;
  std::unique_ptr<http1::RequestHead> head_;  // while a request is under way
  Exchange* exchange_ = nullptr;              // likewise

  // The answer under way.
  std::span<iovec> unsent_;
  iovec pieces_[3];
  char chunk_head_[20];
  http1::Framing framing_ = http1::Framing::none;
  bool answered_ = false, keep_alive_ = false, aborted_ = false;
  bool ending_unsent_ = false;  // the answer's last bytes are in out_, to be sent
  int status_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  ClientWatcher* watcher_ = nullptr;

  // The connection.
  upstream::Logins logins_;
  bool lost_ = false;                              // nothing can be sent or read any more
  bool idle_ = true;                               // between two requests
  bool eof_ = false;                               // the client's FIN was read
  bool first_ = true;                              // no request yet
  bool closing_ = false;                           // shutdown asked for the end
  bool lingering_ = false;                         // answered; what the client still sends is thrown away
  bool head_begun_ = false;                        // some of the next head has come
  net::Clock::time_point head_began_;              // when the first of it did
  bool resting_ = false;                           // idle for long: holds no buffer
  observe::ClientTable::Slot* counted_ = nullptr;  // where this connection counts for its client
  std::shared_ptr<observe::ClientTable> counted_in_;
  std::uint32_t requests_ = 0;
  std::uint64_t body_limit_ = 0;              // of the request under way; 0: none
  std::chrono::milliseconds body_waited_{0};  // for its body, in all
};

}  // namespace sluice::session
