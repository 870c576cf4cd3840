// HTTP/2 on a client connection: makes a stream of each request, has it answered by a coroutine of its own
// (StreamHandler), refuses what is no request, and says goodbye without losing one. Decides nothing about
// where a request goes. Worker only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/base/task.hpp"
#include "proxy/client/connection.hpp"
#include "proxy/client/http2_stream.hpp"
#include "proxy/http/refusal.hpp"
#include "proxy/mux/transport.hpp"

namespace sluice::client {

class Http2Connection final : public ProtocolDriver, private mux::TransportOwner, private net::Deadline {
 public:
  // `connection` outlives it.
  explicit Http2Connection(Connection& connection);
  ~Http2Connection() override;

  // Until the connection is to end and all its streams have ended. `came`: what has been read of it; it is
  // released.
  Task<void> serve(Buffer& came);

  void drain() override;
  void retire() override { drain(); }
  bool is_idle() const override { return false; }  // it ends by itself
  void close_now() override;

  // --- for its streams
  Connection& connection() { return connection_; }
  mux::Transport& transport() { return transport_; }
  bool count_kept(int bytes);
  // Bytes of a stream's body that are not to wait for more. So many of each fill no window, not even half.
  std::size_t worth_sending() const;

 private:
  // Of the bodies of all streams that may be sent again: bytes. What one connection makes the proxy hold is
  // bounded.
  static constexpr int kMostKept = 256 * 1024;
  enum class State : std::uint8_t {
    serving,
    notified,  // the client was asked to open no more streams; those on their way are served (RFC 9113 6.8)
    closing,   // no further stream is served
    held,      // likewise, and the client waits to be told (hold())
  };
  static constexpr std::size_t kMostStarting = 16;  // for which room is kept
  struct Starting {
    Http2Stream* stream;
    http::Refusal refusal;  // when it is no request
  };

  // TransportOwner
  void on_event(const h2::Event& event) override;
  void on_decoded() override;
  void on_sent() override;
  void on_lost() override;
  void on_quiet() override { check_end(); }
  bool may_park() const override { return !streams_.linked(); }

  observe::Http2Counters& counters() { return connection_.worker().counters.http2; }
  void begin_stream(const h2::Event& event);
  Detached run(Http2Stream& stream);
  Detached refuse(Http2Stream& stream, http::Refusal refusal);
  void end(Http2Stream& stream);
  void half_close();
  void close();
  void hold();
  void check_end();
  void set_limit();
  void expired() override;

  Connection& connection_;
  mux::Transport transport_;
  State state_ = State::serving;
  bool in_head_ = false;            // a head's beginning has come, and its limit runs
  StreamHook streams_;              // all of them
  std::vector<Starting> starting_;  // begun in the bytes that are being decoded
  std::uint64_t requests_ = 0;      // so far
  std::size_t running_ = 0;         // streams that are answered
  int kept_ = 0;                    // bytes of bodies that may be sent again
  bool reading_over_ = false;       // serve() waits for what still runs
  Event all_ended_, hold_over_;
};

}  // namespace sluice::client
