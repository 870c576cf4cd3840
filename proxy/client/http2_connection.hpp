// HTTP/2 on a client connection: a codec between the socket and the streams, each of which is answered by a
// coroutine of its own (StreamHandler). Decides nothing about where a request goes. Worker only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/base/buffer.hpp"
#include "proxy/base/task.hpp"
#include "proxy/client/connection.hpp"
#include "proxy/client/http2_stream.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/read_request.hpp"
#include "proxy/h2/session.hpp"
#include "proxy/net/poller.hpp"

namespace sluice::client {

class Http2Connection final : public ProtocolDriver, private net::Poller::Entry, private net::Deadline {
 public:
  // `connection` outlives it.
  explicit Http2Connection(Connection& connection);
  ~Http2Connection() override;

  // Until the connection is to end and all its streams have ended. `came`: bytes that have been read of it.
  Task<void> serve(std::string_view came);

  void drain() override;
  void close_now() override;

  // --- for its streams
  Connection& connection() { return connection_; }
  h2::Session& session() { return session_; }
  // An empty list, for one head.
  h2::FieldList& fields() {
    fields_.clear();
    return fields_;
  }
  // Turns what the streams said into bytes, as far as there is room for them; they go at the end of the
  // round.
  void produce();
  // The same at the end of the round.
  void produce_later();

 private:
  enum class State : std::uint8_t {
    serving,
    notified,  // the client was asked to open no more streams; those on their way are served (RFC 9113 6.8)
    closing,   // no further stream is served
    finished,  // all that was to be said has gone
    lost,
  };

  // events
  void take(std::string_view bytes);
  void take(const h2::Event& event);
  void begin_stream(const h2::Event& event);
  void start_streams();
  Task<void> run(Http2Stream& stream);
  void end(Http2Stream& stream);
  void ended_one();
  Task<void> refuse(Http2Stream& stream, h2::Refusal refusal);
  // sending
  void on_send() override;
  void on_events(std::uint32_t) override {}
  void on_deferred() override {}
  void wake_drained();
  Task<void> write_rest();
  void after_write();
  // the end
  void begin_drain();
  void close();
  void half_close();
  void lose();
  void lose_streams();
  void set_limit();
  void expired() override;

  Connection& connection_;
  net::Stream& socket_;
  h2::Session session_;
  h2::FieldList fields_;
  Buffer in_, out_;
  State state_ = State::serving;
  bool in_head_ = false;       // a head's beginning has come, and its limit runs
  bool writing_ = false;       // write_rest() waits for the socket
  bool send_asked_ = false;    // on_send() is to come
  bool reading_over_ = false;  // serve() waits for what still runs
  StreamHook streams_;         // all of them
  struct Starting {
    Http2Stream* stream;
    h2::Refusal refusal;  // when it is no request
  };
  std::vector<Starting> starting_;  // begun in the bytes that are being decoded
  std::uint64_t requests_ = 0;      // so far
  std::size_t running_ = 0;         // coroutines: streams, and write_rest()
  Event all_ended_;                 // running_ is 0, after the last byte was read
};

}  // namespace sluice::client
