#include "control/demo/admin_call.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sluice::demo {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

std::optional<AdminAnswer> call_admin(const std::string& socket, const std::string& method,
                                      const std::string& path, const boost::json::value* body) {
  constexpr auto kLimit = std::chrono::seconds(5);
  asio::io_context io{1};
  beast::basic_stream<Local> stream(io);
  stream.expires_after(kLimit);
  http::request<http::string_body> request(http::string_to_verb(method), path, 11);
  request.set(http::field::host, "sluice");
  request.set(http::field::content_type, "application/json");
  if (body) request.body() = boost::json::serialize(*body);
  request.prepare_payload();
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  bool answered = false;
  stream.async_connect(Local::endpoint(socket), [&](ErrorCode error) {
    if (error) return;
    http::async_write(stream, request, [&](ErrorCode failed, std::size_t) {
      if (failed) return;
      http::async_read(stream, buffer, parser, [&](ErrorCode broken, std::size_t) { answered = !broken; });
    });
  });
  io.run();
  if (!answered) return std::nullopt;
  ErrorCode no_json;
  AdminAnswer answer{static_cast<int>(parser.get().result_int()),
                     boost::json::parse(parser.get().body(), no_json)};
  if (no_json) answer.body = nullptr;
  return answer;
}

}  // namespace sluice::demo
