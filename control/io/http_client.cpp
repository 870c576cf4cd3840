#include "control/io/http_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "control/io/answer_reader.hpp"
#include "control/io/http2_exchange.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {

namespace asio = boost::asio;

// One request and its answer. Outlives fetch() while unwanted bytes are read. (Not in the namespace below:
// coroutines' frames hold it.)
struct HttpExchange {
  HttpExchange(asio::any_io_executor loop, HttpRequest what)
      : request(std::move(what)),
        connection(std::move(loop), request.limit),
        answer(request.method == "HEAD", request.most_body, request.fields) {}

  const HttpRequest request;
  Connection connection;
  AnswerReader answer;
};

namespace {

using ExchangePtr = std::shared_ptr<HttpExchange>;

constexpr std::size_t kPiece = 16 * 1024;
constexpr std::size_t kMostUnwanted =
    64 << 20;  // of a page that nobody wants; a server that sends more meets a reset

HttpAnswer no_answer(const Failure& failure) {
  HttpAnswer answer;
  answer.problem = failure.text;
  answer.ours = failure.ours;
  return answer;
}

HttpAnswer answer_from(AnswerReader& reader) {
  HttpAnswer answer;
  answer.status = reader.status();
  answer.location = reader.location();
  answer.fields = reader.fields();
  answer.body = std::move(reader.body());
  answer.truncated = reader.full();
  answer.problem = reader.problem();
  return answer;
}

bool is_enough(const AnswerReader& answer, const HttpRequest& request) {
  if (answer.failed() || answer.complete() || answer.full()) return true;
  return answer.has_head() && request.most_body == 0;
}

// Until the answer is whole, the other side has done, or a bound is met.
asio::awaitable<void> read_on(ExchangePtr exchange) {
  exchange->connection.restart_limit();
  const auto piece = std::make_unique<char[]>(kPiece);
  AnswerReader& answer = exchange->answer;
  for (std::size_t read = 0; read < kMostUnwanted && !answer.complete() && !answer.failed();) {
    const auto came = co_await exchange->connection.read(asio::buffer(piece.get(), kPiece));
    if (came.end || came.failure) co_return;
    answer.take({piece.get(), came.size}, false);
    read += came.size;
  }
}

asio::awaitable<HttpAnswer> receive(asio::any_io_executor loop, ExchangePtr exchange) {
  char piece[kPiece];
  AnswerReader& reader = exchange->answer;
  while (!is_enough(reader, exchange->request)) {
    const auto came = co_await exchange->connection.read(asio::buffer(piece));
    if (came.failure) co_return no_answer(came.failure);
    reader.take({piece, came.size}, came.end);
  }
  HttpAnswer answer = answer_from(reader);
  if (!reader.complete() && !reader.failed()) asio::co_spawn(loop, read_on(exchange), asio::detached);
  co_return answer;
}

std::uint64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

asio::awaitable<HttpAnswer> fetch_http2(ExchangePtr exchange) {
  Connection& connection = exchange->connection;
  const auto http2 = std::make_unique<Http2Exchange>(exchange->request);
  const auto piece = std::make_unique<char[]>(kPiece);
  while (true) {
    const Failure unsent = co_await connection.write(http2->output());
    if (connection.expired() || (unsent && !http2->done())) co_return no_answer(unsent);
    if (http2->done()) break;
    const auto came = co_await connection.read(asio::buffer(piece.get(), kPiece));
    if (came.failure) co_return no_answer(came.failure);
    http2->take({piece.get(), came.size}, came.end, steady_ms());
    if (http2->done()) http2->leave();
  }
  co_return http2->take_answer();
}

}  // namespace

asio::awaitable<HttpAnswer> fetch(asio::any_io_executor loop, HttpRequest request) {
  const auto exchange = std::make_shared<HttpExchange>(loop, std::move(request));
  Connection& connection = exchange->connection;
  const Failure unopened = co_await connection.open(exchange->request.to);
  if (unopened) co_return no_answer(unopened);
  if (connection.http2()) co_return co_await fetch_http2(exchange);
  // A server that refuses a request may answer before it is written: the answer is worth more than the error.
  const Failure unsent = co_await connection.write(text_of(exchange->request));
  if (connection.expired()) co_return no_answer(unsent);
  HttpAnswer answer = co_await receive(loop, exchange);
  if (unsent && answer.status == 0 && !connection.expired()) co_return no_answer(unsent);
  co_return answer;
}

std::string text_of(const HttpRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUser-Agent: " + request.agent + "\r\nAccept: */*\r\nConnection: close\r\n";
  if (!request.authorization.empty()) text += "Authorization: " + request.authorization + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.content_type.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  if (request.method != "GET" && request.method != "HEAD")
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

}  // namespace sluice::io
