// A request to a backend over HTTP/1: prints heads, frames bodies, reads the answer. It exists while the
// request is under way and has the connection as long; what the connection keeps from one request to the next
// is in Connection. Worker only.
#pragma once

#include <memory>
#include <optional>

#include "proxy/http1/body.hpp"
#include "proxy/http1/message.hpp"
#include "proxy/observe/worker_counters.hpp"
#include "proxy/upstream/connection.hpp"
#include "proxy/upstream/request.hpp"
#include "proxy/upstream/reuse.hpp"
#include "proxy/upstream/websocket.hpp"

namespace sluice::upstream {

// Most of its methods are those of Request and TunnelEnd.
class Http1Request final : public Request {
 public:
  // `conn` is an idle connection of the target's backend, or (then not reused) one that is still to be
  // connected. `handshakes`: where a TLS handshake is counted.
  Http1Request(const Target& target, std::unique_ptr<Connection> conn, const net::TimerWheel& wheel,
               observe::HandshakeCounters& handshakes);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  Task<Connected> connect() override;
  AnswerEvent next() override;
  const http::ResponseHead& answer() const override { return answer_; }
  std::span<const http::Field> trailers() const override { return body_.trailers(); }
  void cancel() override { conn_->stream.cancel(); }

  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Pipe* tunnel_pipe() override { return pipe_.empty() ? nullptr : &pipe_; }
  Task<StreamStatus> write_tunnel_pipe(Pipe& bytes, std::chrono::milliseconds idle) override;
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override;
  void set_tunnel_timeout(std::chrono::milliseconds idle) override { conn_->stream.set_timeout(idle); }
  void end_tunnel() override { conn_->stream.shutdown_send(); }

 private:
  // How far the request has gone out.
  enum class Sending : std::uint8_t {
    piece,    // being written; more will follow
    waiting,  // for the client's next piece: its time, not the backend's
    last,     // being written; nothing will follow
    whole,    // all of it has gone
    failed,
  };
  // What next() looks for in the answer's bytes.
  enum class Reading : std::uint8_t {
    head,
    body,
    closed,  // the body ended with the connection, as it should: `end` is the next event
    whole,   // all of the answer was handed out
    tunnel,
    failed,
  };
  // The lines and the data of one send, as the stream takes them. What they point to outlives the write.
  class Pieces;

  void end(bool reset) override;
  void begin_head(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                  bool whole) override;
  void begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) override;
  void begin_piped(Pipe& piece) override;
  bool is_sent() override { return write_->await_ready(); }
  void resume_when_sent(std::coroutine_handle<> h) override { write_->await_suspend(h); }
  StreamStatus take_sent() override;
  bool has_arrived() override;
  void resume_when_arrived(std::coroutine_handle<> h) override;
  StreamStatus take_arrival() override;

  void write_opening(const http::RequestHead& head, const http::ForwardContext& forward);
  bool opens_tunnel() const;
  void add_body(Pieces& pieces, std::string_view piece, bool last, std::span<const http::Field> trailers);
  void begin_write(const Pieces& pieces, bool last, Pipe* behind = nullptr);
  AnswerEvent next_of_head();
  AnswerEvent next_of_body();
  void await_much();
  void read_much(std::uint64_t most);
  AnswerEvent fail();
  Served served() const;
  std::chrono::milliseconds idle_time() const;

  const Target target_;
  std::unique_ptr<Connection> conn_;  // null only in end()
  const net::TimerWheel& wheel_;
  observe::HandshakeCounters& handshakes_;

  Sending sending_ = Sending::piece;
  bool chunked_ = false;        // the request's body is sent in chunks
  bool body_apart_ = false;     // of the body something went behind the head, in a piece of its own
  bool upgrade_asked_ = false;  // only then a 101 is followed
  bool is_head_ = false;        // the answer to it has no body
  Reading reading_ = Reading::head;
  http1::ChunkHead chunk_head_;
  std::unique_ptr<const WebSocketAccept> proof_;  // the 101 must hold it: a key of ours asked for it
  Buffer out_;                                    // lines being written
  std::optional<net::Stream::WriteAwaiter> write_;

  http1::ResponseHead answer_;
  http1::BodyReader body_;
  Pipe pipe_;                     // a piece of the answer's body, or of a tunnel, on its way to the client
  std::uint64_t last_byte_ = 0;   // of the answer: at that tick of the wheel
  std::size_t tunnel_given_ = 0;  // bytes that the last read_tunnel() handed out
};

}  // namespace sluice::upstream
