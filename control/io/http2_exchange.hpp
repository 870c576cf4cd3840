// One request over HTTP/2 and its answer, for control's own requests: bytes in, bytes out, without a socket.
// Control thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/io/http_client.hpp"
#include "proxy/base/buffer.hpp"
#include "proxy/h2/session.hpp"

namespace sluice::io {

class Http2Exchange {
 public:
  // `request` outlives it.
  explicit Http2Exchange(const HttpRequest& request);

  // What is to be written now; may be empty. `now_ms`: the steady clock's, here and below.
  std::string output();
  // More bytes; with `end` the connection's end came behind them.
  void take(std::string_view bytes, bool end, std::uint64_t now_ms);
  bool done() const { return done_; }
  // Nothing more is wanted: output() says goodbye.
  void leave();
  // Requires: done().
  HttpAnswer take_answer() { return std::move(answer_); }

 private:
  void take_event(const h2::Event& event);
  void take_head(const h2::Event& event);
  void take_fields(const http::Fields& fields);
  void take_trailers(const h2::FieldBlock& block);
  void keep(std::string_view piece);
  void fail(std::string problem);

  const HttpRequest& request_;
  h2::Session session_;
  h2::StreamId stream_ = 0;
  Buffer out_;
  HttpAnswer answer_;
  std::string first_;  // bytes that came, to tell what else is spoken there
  bool done_ = false;
};

// What speaks there, by its first bytes, if it is not HTTP/2; empty when they do not tell.
std::string not_http2(std::string_view first_bytes);

}  // namespace sluice::io
