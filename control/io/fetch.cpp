#include "control/io/fetch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "control/io/answer.hpp"
#include "control/io/secured.hpp"
#include "control/io/socket.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPiece = 16 * 1024;
constexpr std::size_t kMostUnwanted = 64 << 20;  // of a page that nobody wants; who sends more meets a reset

// A connection with what was asked and what has come. Outlives the request while unwanted bytes are read.
struct Line {
  Line(const asio::any_io_executor& loop, FetchRequest what)
      : request(std::move(what)), socket(loop), answer(request.method == "HEAD", request.most_body) {}

  const FetchRequest request;
  Socket socket;
  std::unique_ptr<Secured> secured;  // with request.tls; over `socket`
  Answer answer;
};
using LinePtr = std::shared_ptr<Line>;

bool is_ours(const error_code& failure) {
  using namespace boost::system::errc;
  return failure == too_many_files_open || failure == too_many_files_open_in_system ||
         failure == no_buffer_space || failure == address_not_available || failure == not_enough_memory;
}

// A step that did not come to its end. A peer that resets is told as such, not as an end of a file.
Fetched no_answer(const Line& line, const SocketLimit& limit, const std::string& step,
                  const error_code& failure) {
  Fetched fetched;
  fetched.problem = limit.expired() ? "no answer within " + duration_text(line.request.limit)
                                    : step + ": " + failure.message();
  fetched.ours = !limit.expired() && is_ours(failure);
  return fetched;
}

asio::awaitable<error_code> send(Line& line) {
  const std::string text = text_of(line.request);
  if (line.secured) {
    const auto [failure, n] = co_await asio::async_write(*line.secured, asio::buffer(text), kToken);
    co_return failure;
  }
  const auto [failure, n] = co_await asio::async_write(line.socket, asio::buffer(text), kToken);
  co_return failure;
}

struct Piece {
  error_code failure;
  std::size_t size = 0;
};
asio::awaitable<Piece> read_piece(Line& line, asio::mutable_buffer into) {
  if (line.secured) {
    const auto [failure, n] = co_await line.secured->async_read_some(into, kToken);
    // An end without close_notify, as many small servers make it. A body that has a length or chunks shows by
    // itself whether it is whole, and of any other only the status or a whole JSON document is believed.
    const bool end = failure == asio::ssl::error::stream_truncated;
    co_return Piece{end ? error_code(asio::error::eof) : failure, n};
  }
  const auto [failure, n] = co_await line.socket.async_read_some(into, kToken);
  co_return Piece{failure, n};
}

// Until the answer is whole, the other side has done, or a bound is met.
asio::awaitable<void> read_on(LinePtr line) {
  const SocketLimit limit(line->socket, line->request.limit);
  const auto piece = std::make_unique<char[]>(kPiece);
  const auto room = asio::buffer(piece.get(), kPiece);
  for (std::size_t read = 0; read < kMostUnwanted && !line->answer.complete() && !line->answer.failed();) {
    const Piece came = co_await read_piece(*line, room);
    if (came.failure || limit.expired()) co_return;
    line->answer.take({piece.get(), came.size}, false);
    read += came.size;
  }
}

bool is_enough(const Answer& answer, const FetchRequest& request) {
  if (answer.failed() || answer.complete() || answer.full()) return true;
  return answer.has_head() && request.most_body == 0;
}

Fetched fetched_from(Answer& answer) {
  Fetched fetched;
  fetched.status = answer.status();
  fetched.location = answer.location();
  fetched.body = std::move(answer.body());
  fetched.cut = answer.full();
  fetched.problem = answer.problem();
  return fetched;
}

asio::awaitable<Fetched> receive(LinePtr line, const SocketLimit& limit) {
  char piece[kPiece];
  while (!is_enough(line->answer, line->request)) {
    const Piece came = co_await read_piece(*line, asio::buffer(piece));
    const bool end = came.failure == asio::error::eof;
    if (limit.expired() || (came.failure && !end)) co_return no_answer(*line, limit, "read", came.failure);
    line->answer.take({piece, came.size}, end);
  }
  Fetched fetched = fetched_from(line->answer);
  if (!line->answer.complete() && !line->answer.failed())
    asio::co_spawn(line->socket.get_executor(), read_on(line), asio::detached);
  co_return fetched;
}

}  // namespace

asio::awaitable<Fetched> fetch(asio::any_io_executor loop, FetchRequest request) {
  const auto line = std::make_shared<Line>(loop, std::move(request));
  const SocketLimit limit(line->socket, line->request.limit);
  error_code unconnected = co_await connect(line->socket, line->request.to);
  for (const auto& other : line->request.also) {
    if (!unconnected || limit.expired() || is_ours(unconnected)) break;
    error_code ignored;
    line->socket.close(ignored);
    unconnected = co_await connect(line->socket, other);
  }
  if (unconnected || limit.expired()) co_return no_answer(*line, limit, "connect", unconnected);
  const error_code unsaid = co_await announce(line->socket, line->request.proxy_protocol);
  if (unsaid || limit.expired()) co_return no_answer(*line, limit, "write", unsaid);
  if (line->request.tls) {
    Fetched refused;
    line->secured = co_await secure(line->socket, line->request.tls, line->request.address, refused.problem);
    if (limit.expired()) co_return no_answer(*line, limit, "TLS", {});
    if (!line->secured) co_return refused;
  }
  // Who refuses a request may have answered before it is written: the answer is worth more than the error.
  const error_code unsent = co_await send(*line);
  if (limit.expired()) co_return no_answer(*line, limit, "write", unsent);
  Fetched fetched = co_await receive(line, limit);
  if (unsent && fetched.status == 0 && !limit.expired()) co_return no_answer(*line, limit, "write", unsent);
  co_return fetched;
}

std::string text_of(const FetchRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUser-Agent: " + request.agent + "\r\nAccept: */*\r\nConnection: close\r\n";
  if (!request.authorization.empty()) text += "Authorization: " + request.authorization + "\r\n";
  if (request.method != "GET" && request.method != "HEAD") text += "Content-Length: 0\r\n";
  return text + "\r\n";
}

}  // namespace sluice::io
