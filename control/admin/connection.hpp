// One connection to the admin API: reads requests, lets Commands answer them in order, writes the answers.
// Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "control/admin/call.hpp"
#include "control/admin/commands.hpp"
#include "control/admin/compat.hpp"
#include "control/admin/tokens.hpp"

namespace sluice::admin {

inline constexpr std::size_t kMostBody = 1024 * 1024;
inline constexpr std::size_t kMostHeader = 16 * 1024;
inline constexpr std::chrono::seconds kIdle{60};
inline constexpr std::chrono::seconds kHeartbeat{15}, kSampleInterval{1};
inline constexpr std::chrono::milliseconds kRetry{1000};  // after which who lost the stream asks again

enum class ListenerKind : std::uint8_t { unix_socket, http, compat };  // the listeners of `admin`

// What a connection may do, by where it came from.
struct Access {
  ListenerKind kind = ListenerKind::unix_socket;
  change::Actor actor;          // with its role, by the unix socket
  TokenFile* tokens = nullptr;  // of http and compat; outlives the connection
  std::string bound_host;       // of http
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Stream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;

  // `commands` and `compat` outlive run(). Without `compat` there is no connection of ListenerKind::compat.
  Connection(boost::asio::generic::stream_protocol::socket socket, Commands& commands, Compat* compat,
             Access access);

  // Until the peer leaves, misbehaves, or close(). Keeps itself alive.
  boost::asio::awaitable<void> run();
  void close();
  // Another process answers from here on: ends now, or after the answer that is being made.
  void leave();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<boost::system::error_code> receive(Parser& parser);
  boost::asio::awaitable<Reply> answer(const HttpRequest& request);
  std::optional<protocol::Problem> may(const HttpRequest& request, Call& call);
  std::optional<protocol::Problem> may_by_token(std::string_view authorization, std::string_view key,
                                                Call& call);
  boost::asio::awaitable<bool> send(Reply reply, const HttpRequest& request, bool keep_alive);
  boost::asio::awaitable<bool> send_pieces(Reply reply, const HttpRequest& request, bool keep_alive);
  boost::asio::awaitable<bool> write_piece(std::string_view piece, bool chunked);
  boost::asio::awaitable<void> stream_events(EventStream from, unsigned version);
  boost::asio::awaitable<bool> write_text(std::string text);
  boost::asio::awaitable<void> refuse(boost::system::error_code error);

  Stream stream_;
  boost::beast::flat_buffer buffer_;
  Commands& commands_;
  Compat* compat_;
  Access access_;
  enum class State : std::uint8_t { waiting, answering } state_ = State::waiting;
  bool leaving_ = false;
  bool closed_ = false;
};

// The URL, fields and body as a Call; a problem when the target cannot be read. Pure.
Result<Call> call_from(const boost::beast::http::request<boost::beast::http::string_body>& request,
                       change::Actor actor);

}  // namespace sluice::admin
