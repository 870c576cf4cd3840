#include "control/core/fetch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "control/core/secured.hpp"
#include "control/core/socket.hpp"
#include "proxy/base/values.hpp"
#include "proxy/http/body.hpp"
#include "proxy/http/codec.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::core {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kFetchToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostFetchedHead = 32 * 1024;
constexpr std::size_t kMostFetchedBody = 64 * 1024;

// What has arrived of an answer.
class Arriving {
 public:
  explicit Arriving(bool head_only) : head_only_(head_only) {}

  // More bytes, or the connection's end. True when nothing more is needed.
  bool take(std::string_view bytes, bool end) {
    in_.append(bytes);
    if (!head_read_ && !read_head()) return failed() || end;
    if (!complete_ && !failed()) read_body();
    if (end && !complete_ && !failed()) complete_ = body_.ends_at_eof();
    fetched_.cut = !complete_ && fetched_.body.size() >= kMostFetchedBody;
    return complete_ || failed() || end || fetched_.cut;
  }
  Fetched result() && {
    if (fetched_.status == 0 && fetched_.problem.empty()) fetched_.problem = "the answer broke off";
    return std::move(fetched_);
  }

 private:
  bool failed() const { return !fetched_.problem.empty(); }
  bool read_head() {
    while (true) {
      const auto status = parser_.parse(in_, head_, head_only_);
      if (status == http::Status::more && in_.size() < kMostFetchedHead) return false;
      if (status != http::Status::done) {
        fetched_.problem = "the answer is not HTTP/1.1";
        return false;
      }
      const bool interim = head_.status < 200;
      const int code = head_.status;
      body_.start(head_.framing, head_.content_length);
      in_.erase(0, head_.size);
      parser_.reset();
      if (interim) continue;
      fetched_.status = code;
      head_read_ = true;
      return true;
    }
  }
  void read_body() {
    while (!(complete_ = body_.done())) {
      const auto step = body_.next(in_);
      fetched_.body.append(step.data);
      in_.erase(0, step.consumed);
      if (step.kind == http::BodyStep::Kind::refused) fetched_.problem = "the answer's body is malformed";
      if (step.kind == http::BodyStep::Kind::refused || step.kind == http::BodyStep::Kind::more) return;
    }
  }

  const bool head_only_;
  std::string in_;
  http::ResponseParser parser_;
  http::ResponseHead head_;
  http::BodyReader body_;
  bool head_read_ = false, complete_ = false;
  Fetched fetched_;
};

std::string text_of(const FetchRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUser-Agent: sluice\r\nAccept: */*\r\nConnection: close\r\n";
  if (request.method != "GET" && request.method != "HEAD") text += "Content-Length: 0\r\n";
  return text + "\r\n";
}

Fetched no_answer(const SocketLimit& limit, const FetchRequest& request, const std::string& step,
                  const error_code& failure) {
  Fetched fetched;
  fetched.problem = limit.expired() ? "no answer within " + format_duration(request.limit)
                                    : step + ": " + failure.message();
  return fetched;
}

// The request and its answer on a stream that is ready for them.
template <class Stream>
asio::awaitable<Fetched> ask_for(Stream& stream, const SocketLimit& limit, const FetchRequest& request) {
  const std::string text = text_of(request);
  const auto [no_write, written] = co_await asio::async_write(stream, asio::buffer(text), kFetchToken);
  if (no_write || limit.expired()) co_return no_answer(limit, request, "write", no_write);
  Arriving arriving(request.method == "HEAD");
  char piece[8192];
  while (true) {
    const auto [failure, n] = co_await stream.async_read_some(asio::buffer(piece), kFetchToken);
    if (limit.expired()) co_return no_answer(limit, request, "read", failure);
    if (failure && failure != asio::error::eof) co_return no_answer(limit, request, "read", failure);
    const bool enough = arriving.take({piece, n}, static_cast<bool>(failure));
    if (enough) break;
  }
  co_return std::move(arriving).result();
}

}  // namespace

asio::awaitable<Fetched> fetch(asio::any_io_executor loop, FetchRequest request) {
  tcp::socket socket(loop);
  const SocketLimit limit(socket, request.limit);
  const auto to = to_asio(request.to);
  const auto [no_connect] = co_await socket.async_connect(to, kFetchToken);
  if (no_connect || limit.expired()) co_return no_answer(limit, request, "connect", no_connect);
  const error_code unsaid = co_await announce(socket, request.proxy_protocol);
  if (unsaid || limit.expired()) co_return no_answer(limit, request, "write", unsaid);
  if (!request.tls) co_return co_await ask_for(socket, limit, request);
  Fetched refused;
  const auto secured = co_await secure(socket, request.tls, request.address, refused.problem);
  if (limit.expired()) co_return no_answer(limit, request, "TLS", {});
  if (!secured) co_return refused;
  co_return co_await ask_for(*secured, limit, request);
}

std::optional<UrlParts> parts_of(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const auto slash = url.find_first_of("/?#");
  UrlParts parts;
  parts.host = url.substr(0, slash);
  parts.target =
      slash == std::string_view::npos ? "/" : std::string(url.substr(slash, url.find('#') - slash));
  if (!parts.target.starts_with('/')) parts.target.insert(0, "/");
  const auto bracket = parts.host.rfind(']');
  const auto colon = parts.host.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  parts.address = has_port ? parts.host : parts.host + ":80";
  if (!parse_address(parts.address)) return std::nullopt;
  return parts;
}

}  // namespace sluice::core
