// HTTP/1 on a client connection: reads heads, has each request answered (StreamHandler), refuses what is no
// request, keeps the connection between requests and says goodbye. Decides nothing about where a request
// goes. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "proxy/base/task.hpp"
#include "proxy/client/connection.hpp"
#include "proxy/client/http1_input.hpp"
#include "proxy/client/http1_output.hpp"
#include "proxy/client/http1_stream.hpp"
#include "proxy/http1/parser.hpp"

namespace sluice::client {

class Http1Connection final : public ProtocolDriver {
 public:
  // `connection` outlives it.
  explicit Http1Connection(Connection& connection);

  // One request after the other, until the connection is to end or to be parked. A read that is armed already
  // is the one that woke it.
  Task<Http1End> serve();
  // Answers what came and is no request, and says goodbye.
  Task<void> refuse(http1::Refusal refusal);

  void drain() override;
  void retire() override {}
  bool is_idle() const override { return state_ == State::idle && !socket_.read_ready(); }
  void close_now() override;

 private:
  enum class State : std::uint8_t {
    idle,       // between two requests
    woken,      // was parked until now
    in_head,    // some of the next head has come
    answering,  // a request is under way, or refused
    lingering,  // answered; what the client still sends is thrown away
  };
  enum class HeadResult : std::uint8_t { incomplete, complete, refused, closed, http2, parked };

  HeadResult look_for_head();
  HeadResult await_rest_of_head();
  void prepare_read();
  HeadResult after_read(net::ReadResult read);
  HeadResult after_timeout();
  std::chrono::milliseconds idle_timeout() const;
  bool is_ending() const;
  bool client_is_done() const;
  void begin_request();
  void end_request();
  Task<void> say_goodbye(std::chrono::milliseconds longest);

  Connection& connection_;
  net::Stream& socket_;
  Http1Input input_;
  Http1Output output_;
  http1::RequestParser parser_;
  http1::Refusal refusal_;
  std::unique_ptr<http1::RequestHead> head_;  // null until something has come
  Http1Stream stream_;
  State state_ = State::idle;
  net::Clock::time_point head_began_;  // when the first of it came; in_head
};

}  // namespace sluice::client
