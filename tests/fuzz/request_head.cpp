// X1, X2: a client's bytes.
#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

using namespace http1;

void check_written(const RequestHead& head) {
  Buffer out;
  write_request(head, {.client_ip = "::1", .proto = "http", .default_host = "d"}, out);
  RequestParser parser;
  RequestHead again;
  require(parser.parse(out.view(), again) == Status::done, "X1: a head that we write is one that we take");
  require(again.size == out.size(), "X1: nothing stands behind the head that we write");
  require(again.method == head.method && again.path == head.path && again.query == head.query,
          "X1: the request line goes on as it was meant");
  require(again.host == (head.host.empty() ? "d" : head.host), "X1: one Host, the one that was routed by");
  require(again.framing == head.framing && again.content_length == head.content_length,
          "X1: the body is framed as it was read");
  require(again.upgrade == head.upgrade && again.te_trailers == head.te_trailers, "X6: hop by hop");
}

}  // namespace

void request_head(std::string_view bytes) {
  RequestParser parser;
  RequestHead head;
  if (parser.parse(bytes, head) == Status::done && has_room(head)) check_written(head);

  using namespace http1::testing;
  const Reading whole = verdict(read_requests(bytes, at_once));
  require(verdict(read_requests(bytes, cut_of(bytes))) == whole,
          "X2: the verdict depends on how the bytes came");
  if (bytes.size() < 500)
    require(verdict(read_requests(bytes, byte_by_byte)) == whole, "X2: the verdict, byte by byte");
}

}  // namespace sluice::fuzz
