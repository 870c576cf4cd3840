#include "control/admin/connection.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "control/admin/access.hpp"
#include "control/admin/routes.hpp"

namespace sluice::admin {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

std::string field(const http::request<http::string_body>& request, std::string_view name) {
  const auto value = request[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

constexpr std::size_t kMostAuditedPath = 200;

// What the parser refuses, as the status that says it.
std::optional<protocol::Problem> problem_of(const error_code& error) {
  using protocol::Exit;
  using protocol::Problem;
  if (error == http::error::body_limit)
    return Problem{413,
                   Exit::usage,
                   "content too large",
                   "the body has more than " + std::to_string(kMostBody) + " bytes",
                   {},
                   {}};
  if (error == http::error::header_limit)
    return Problem{431,
                   Exit::usage,
                   "header too large",
                   "the header has more than " + std::to_string(kMostHeader) + " bytes",
                   {},
                   {}};
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_method).category())
    return protocol::malformed("this is no HTTP/1 request: " + error.message());
  return std::nullopt;
}

void set_fields(http::fields& fields, const Reply& reply) {
  fields.set(http::field::content_type, reply.content_type);
  fields.set(http::field::cache_control, "no-store");
  fields.set("X-Content-Type-Options", "nosniff");
  if (reply.status == 401) fields.set(http::field::www_authenticate, "Bearer realm=\"sluice\"");
  for (const auto& [name, value] : reply.headers) fields.set(name, value);
}

}  // namespace

Result<Call> call_from(const http::request<http::string_body>& request, change::Actor actor) {
  Call call;
  call.method = std::string(request.method_string());
  const std::string target(request.target());
  const auto question = target.find('?');
  call.path = target.substr(0, question);
  if (!call.path.starts_with('/')) return protocol::malformed("the request's target must be a path");
  auto query = protocol::parse_query(
      question == std::string::npos ? std::string_view() : std::string_view(target).substr(question + 1));
  if (!query) return protocol::malformed("the query cannot be decoded");
  call.query = std::move(*query);
  call.body = request.body();
  call.if_match = field(request, "If-Match");
  call.reason = field(request, "X-Sluice-Reason");
  call.last_event_id = field(request, "Last-Event-ID");
  call.actor = std::move(actor);
  return call;
}

Connection::Connection(asio::generic::stream_protocol::socket socket, Commands& commands, Compat* compat,
                       Access access)
    : stream_(std::move(socket)), commands_(commands), compat_(compat), access_(std::move(access)) {}

void Connection::close() {
  closed_ = true;
  stream_.close();
}

void Connection::leave() {
  leaving_ = true;
  if (state_ == State::waiting) close();
}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  try {
    while (!closed_ && co_await serve_one()) {
    }
  } catch (const std::exception&) {
    // Out of memory or the like: this connection ends, the daemon goes on.
  }
  stream_.close();
}

// True when the connection can take another request.
asio::awaitable<bool> Connection::serve_one() {
  Parser parser;
  parser.header_limit(kMostHeader);
  parser.body_limit(kMostBody);
  const auto failed = co_await receive(parser);
  if (failed) {
    co_await refuse(failed);
    co_return false;
  }
  const HttpRequest request = parser.release();
  stream_.expires_never();  // a verb may wait long
  state_ = State::answering;
  auto reply = co_await answer(request);
  if (closed_) co_return false;
  if (reply.stream) {
    co_await stream_events(*reply.stream, request.version());
    co_return false;
  }
  const bool more = co_await send(std::move(reply), request, request.keep_alive() && !leaving_);
  state_ = State::waiting;
  co_return more && !leaving_;
}

// RFC 9110 10.1.1: who expects 100-continue gets it before the body is read.
asio::awaitable<error_code> Connection::receive(Parser& parser) {
  error_code error;
  stream_.expires_after(kIdle);
  co_await http::async_read_header(stream_, buffer_, parser,
                                   asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return error;
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue") &&
      !co_await write_text("HTTP/1.1 100 Continue\r\n\r\n"))
    co_return asio::error::connection_reset;
  co_await http::async_read(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

asio::awaitable<Reply> Connection::answer(const HttpRequest& request) {
  auto call = call_from(request, access_.actor);
  if (!call) co_return problem_reply(call.error());
  if (auto problem = may(request, *call)) {
    commands_.control().access_denied(
        call->actor, call->method + " " + call->path.substr(0, kMostAuditedPath), problem->detail);
    co_return problem_reply(*problem);
  }
  if (access_.kind == ListenerKind::compat) co_return co_await compat_->run(std::move(*call));
  co_return co_await commands_.run(std::move(*call));
}

// Who may come in at all, and as whom; what he may do there his role says.
std::optional<protocol::Problem> Connection::may(const HttpRequest& request, Call& call) {
  const auto origin = field(request, "Origin"), authorization = field(request, "Authorization");
  switch (access_.kind) {
    case ListenerKind::unix_socket:
      return std::nullopt;
    case ListenerKind::http:
      if (is_public(call.path)) {  // Prometheus asks for the metrics by whatever name this has
        call.actor.role = config::Role::none;
        return std::nullopt;
      }
      if (auto problem = check_browser(field(request, "Host"), origin, access_.bound_host)) return problem;
      return may_by_token(authorization, "admin.http", call);
    case ListenerKind::compat:
      if (auto problem = check_script(origin)) return problem;
      if (!compat_needs_token(call.path) && (authorization.empty() || access_.tokens->none()))
        return std::nullopt;
      if (auto problem = may_by_token(authorization, "admin.compat", call)) return problem;
      return check_role(call.actor.role, config::Role::operate);
  }
  return protocol::internal("a connection of no listener");
}

std::optional<protocol::Problem> Connection::may_by_token(std::string_view authorization,
                                                          std::string_view key, Call& call) {
  const Token* known = access_.tokens->find(bearer_of(authorization));
  if (!known) return no_token(authorization, !access_.tokens->none(), key);
  call.actor.token = known->name;
  call.actor.role = known->role;
  return std::nullopt;
}

asio::awaitable<bool> Connection::send(Reply reply, const HttpRequest& request, bool keep_alive) {
  if (reply.more) {
    auto work = send_pieces(std::move(reply), request, keep_alive);
    co_return co_await std::move(work);
  }
  http::response<http::string_body> response(static_cast<http::status>(reply.status), request.version());
  set_fields(response, reply);
  response.keep_alive(keep_alive);
  const auto length = reply.body.size();
  if (request.method() != http::verb::head) response.body() = std::move(reply.body);
  response.content_length(length);
  stream_.expires_after(kIdle);
  error_code error;
  http::response_serializer<http::string_body> serializer(response);
  if (request.method() == http::verb::head)
    co_await http::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
  else
    co_await http::async_write(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
  co_return !error && keep_alive;
}

// RFC 9112 6.3: of HTTP/1.0, which knows no chunks, the end of the connection ends the body.
asio::awaitable<bool> Connection::send_pieces(Reply reply, const HttpRequest& request, bool keep_alive) {
  const bool chunked = request.version() >= 11;
  http::response<http::empty_body> response(static_cast<http::status>(reply.status), request.version());
  set_fields(response, reply);
  response.keep_alive(keep_alive && chunked);
  if (chunked) response.chunked(true);
  stream_.expires_after(kIdle);
  error_code error;
  http::response_serializer<http::empty_body> serializer(response);
  co_await http::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
  bool goes_on = !error;
  if (goes_on && request.method() != http::verb::head) {
    goes_on = co_await write_piece(reply.body, chunked);
    while (goes_on && !closed_ && reply.more->more())
      goes_on = co_await write_piece(reply.more->next(), chunked);
    if (goes_on && chunked) goes_on = co_await write_text("0\r\n\r\n");
  }
  const bool stays = goes_on && keep_alive && chunked;
  co_return stays;
}

asio::awaitable<bool> Connection::write_piece(std::string_view piece, bool chunked) {
  error_code error;
  stream_.expires_after(kIdle);
  const auto body = asio::buffer(piece.data(), piece.size());
  if (chunked) {
    const auto chunk = http::make_chunk(body);
    co_await asio::async_write(stream_, chunk, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(stream_, body, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return !error;
}

asio::awaitable<bool> Connection::write_text(std::string text) {
  error_code error;
  stream_.expires_after(kIdle);
  const auto buffer = asio::buffer(text);
  co_await asio::async_write(stream_, buffer, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

// The peer has sent something that is no request, or too much; who is simply gone gets nothing.
asio::awaitable<void> Connection::refuse(error_code failed) {
  const auto problem = problem_of(failed);
  if (!problem) co_return;
  const HttpRequest none(http::verb::get, "/", 11);
  auto reply = problem_reply(*problem);
  co_await send(std::move(reply), none, false);
}

}  // namespace sluice::admin
