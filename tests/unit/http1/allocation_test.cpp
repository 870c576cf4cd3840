// A request's way through this folder allocates nothing once the thread's buffers are warm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "proxy/http/cookies.hpp"
#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/http1/response_writer.hpp"

namespace {
std::size_t allocations = 0;  // of this test's one thread
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace sluice::http1 {
namespace {

using namespace http;

const std::string kRequest =
    "POST /cart/items?id=42&user=7 HTTP/1.1\r\nHost: shop.example.com\r\nConnection: keep-alive, "
    "X-Hop\r\nContent-Length:\t4\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, "
    "deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\nCookie: theme=dark; session=0123456789abcdef\r\nX-Hop: 1\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/html\r\nTransfer-Encoding: "
    "chunked\r\nSet-Cookie: a=b\r\n\r\n";
const std::string kBody = "5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";

struct Exchange {
  RequestParser requests;
  ResponseParser responses;
  RequestHead request;
  ResponseHead response;
  BodyReader body;
  Buffer up, down;
};

bool run(Exchange& e) {
  if (e.requests.parse(kRequest, e.request) != Status::done) return false;
  if (cookie_value(e.request.fields, "session").empty() || query_value(e.request.query, "user") != "7")
    return false;
  write_request(e.request, ForwardContext{.client_ip = "192.0.2.7", .proto = "https"}, e.up);
  if (e.responses.parse(kResponse, e.response, false) != Status::done) return false;
  const ResponseContext context{.framing_to_client = response_framing(e.response, e.request.version, false),
                                .date = "now"};
  write_response(e.response, context, e.down);
  e.body.start(e.response.framing, e.response.content_length);
  for (std::string_view in = kBody; !e.body.done();) in.remove_prefix(e.body.next(in).consumed);
  e.requests.reset();
  e.responses.reset();
  const bool wrote = !e.up.empty() && !e.down.empty() && !e.body.trailers().empty();
  e.body.start(Framing::none, 0);
  e.up.release();
  e.down.release();
  return wrote;
}

TEST(Allocations, NonePerRequest) {
  Exchange exchange;
  ASSERT_TRUE(run(exchange));  // warms the thread's block pool and llhttp's tables
  allocations = 0;
  bool ok = true;
  for (int i = 0; i < 1000; ++i) ok = run(exchange) && ok;
  const std::size_t counted = allocations;
  EXPECT_TRUE(ok);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace sluice::http1
