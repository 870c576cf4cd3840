// A request to a backend over HTTP/2: one stream of a connection that others share. It waits for room there,
// sends its head and its body's pieces, keeps what comes until it is asked for, and gives credit back when
// that has gone on. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/mux/arrivals.hpp"
#include "proxy/mux/stream_wait.hpp"
#include "proxy/upstream/http2_connection.hpp"
#include "proxy/upstream/request.hpp"
#include "proxy/upstream/websocket.hpp"

namespace sluice::upstream {

// Most of its methods are those of Request and TunnelEnd, and what its connection tells it; as many fields as
// there are things that go on at once: a place, a request, an answer.
class Http2Request final : public Request, public RequestHook, public mux::StreamUser {
 public:
  // On a connection of the target's backend; on a new one when all are busy, or none is new and `fresh` asks
  // for one.
  Http2Request(ConnectContext& context, const Target& target, bool fresh);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }
  static Http2Request& from(RequestHook& hook) { return static_cast<Http2Request&>(hook); }

  // --- for its connection; who waits goes on in the next round
  h2::StreamId id() const { return id_; }
  bool waits() const { return place_ == Place::waiting; }
  bool ended_well() const { return input_ == Input::whole; }
  void has_room();
  void look_elsewhere();
  void refuse(Connected why);
  void on_settings();
  void on_event(const h2::Event& event);
  void on_lost();
  void on_broken();  // the backend broke the rules of the connection

  // --- Request
  Task<Connected> connect() override;
  AnswerEvent next() override;
  const http::ResponseHead& answer() const override { return answer_; }
  std::span<const http::Field> trailers() const override { return trailers_; }
  bool ended_with_head() const override {
    return reading_ == Reading::body && input_ == Input::whole && body_.empty() && !body_.is_handed_out();
  }
  void cancel() override;
  // --- TunnelEnd
  Task<StreamStatus> read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) override;
  Task<StreamStatus> write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) override;
  void set_tunnel_timeout(std::chrono::milliseconds idle) override;
  void end_tunnel() override;
  // --- mux::StreamUser
  void on_drained() override { writer_.wake(); }

 private:
  // How it stands with its connection.
  enum class Place : std::uint8_t {
    waiting,    // until it has room
    let_in,     // the stream may be opened
    elsewhere,  // it has no room any more: another one is to be chosen
    refused,    // it could not be made: see refused_
    stream,     // id_ was opened
  };
  // What the request asks for.
  enum class Asks : std::uint8_t { message, head, tunnel };
  // How far the request has gone out.
  enum class Sending : std::uint8_t {
    piece,    // becoming bytes of the connection; more will follow
    waiting,  // for the client's next piece: its time, not the backend's
    last,     // becoming bytes; nothing will follow
    whole,
    failed,
  };
  // What is known of the answer's end.
  enum class Input : std::uint8_t {
    open,
    whole,
    lost,       // cut by the backend or with the connection
    malformed,  // X3
    no_tunnel,  // there will be none: the backend opens no tunnels
  };
  // An opening of a tunnel, until the backend has said whether it opens any.
  struct Held {
    Held(const http::RequestHead& opening, const http::ForwardContext& context)
        : head(opening), flags(context.feature_flags), forward(context) {
      forward.feature_flags = flags;
    }
    const http::RequestHead& head;
    const std::string flags;
    http::ForwardContext forward;
  };
  // Of the answer, in blocks of the session's.
  struct Heads {
    std::vector<h2::FieldBlock*> interims;  // not told
    h2::FieldBlock* final = nullptr;
    h2::FieldBlock* told = nullptr;  // the interim one that answer() shows
  };
  // What next() is to tell.
  enum class Reading : std::uint8_t { head, body, whole, tunnel };

  // The wait for a piece to go: one that moves is waited for on.
  class SendWait final : public mux::StreamWait {
   public:
    SendWait(Http2Request& request, net::Poller& poller, net::TimerWheel& wheel)
        : StreamWait(poller, wheel), request_(request) {}

    void begin(std::chrono::milliseconds limit);

   private:
    void expired() override;
    Http2Request& request_;
    std::chrono::milliseconds limit_{0};
    std::size_t left_ = 0;  // of the piece, when this limit began
  };

  void end(bool reset) override;
  void begin_head(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                  bool whole) override;
  void begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) override;
  bool is_sent() override { return unsent() == 0; }
  void resume_when_sent(std::coroutine_handle<> h) override;
  StreamStatus take_sent() override;
  bool has_arrived() override;
  void resume_when_arrived(std::coroutine_handle<> h) override;
  StreamStatus take_arrival() override;

  void choose_connection(bool fresh);
  h2::Session& session() { return connection_->transport().session(); }
  std::size_t unsent() const;
  void open_stream(const http::RequestHead& head, const http::ForwardContext& forward, std::string_view body,
                   bool whole);
  void open_held();
  void begin_write(bool last);
  void drop_piece();
  bool is_stopped();
  bool has_some() const;
  void take_head(h2::FieldBlock* block);
  void take_reset(const h2::Event& event);
  void cut(bool unprocessed);
  void break_off();
  AnswerEvent next_head();
  AnswerEvent next_piece();
  void open_tunnel();
  void give_credit();
  std::chrono::milliseconds response_limit() const { return target_.timeouts->response; }

  ConnectContext& context_;
  const Target target_;
  Http2Connection* connection_ = nullptr;  // null: elsewhere, refused
  Place place_ = Place::waiting;
  Connected refused_ = Connected::failed;
  h2::StreamId id_ = 0;
  std::uint64_t begins_at_ = 0;  // of the bytes that the connection has made

  Sending sending_ = Sending::waiting;
  Input input_ = Input::open;
  Reading reading_ = Reading::head;
  Asks asks_ = Asks::message;
  bool sends_head_ = false;  // the send under way is send_head()
  std::unique_ptr<Held> held_;
  std::optional<WebSocketAccept> proof_;  // for a client over HTTP/1
  Heads heads_;
  http::ResponseHead answer_;
  std::vector<http::Field> trailers_;
  mux::Arrivals body_;
  mux::StreamWait reader_;
  SendWait writer_;
};

}  // namespace sluice::upstream
