// X3: a backend's bytes. The first byte says what was asked: 'H' a HEAD, else a GET.
#include "proxy/http1/parser.hpp"
#include "proxy/http1/response_writer.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

using namespace http1;

void check_interim(const ResponseHead& head) {
  Buffer out;
  write_interim(head, out);
  ResponseParser parser;
  ResponseHead again;
  require(parser.parse(out.view(), again, false) == Status::done && again.size == out.size(),
          "X1: an interim answer that we write is one that we take");
  require(again.status == head.status && again.upgrade == head.upgrade, "X1: its meaning stays");
}

void check_final(const ResponseHead& head, Version client, bool is_head) {
  ResponseContext context{.client_version = client, .head_request = is_head};
  context.framing_to_client = response_framing(head, client, is_head);
  context.date = "Thu, 01 Jan 1970 00:00:00 GMT";
  Buffer out;
  write_response(head, context, out);
  ResponseParser parser;
  ResponseHead again;
  require(parser.parse(out.view(), again, is_head) == Status::done && again.size == out.size(),
          "X1: an answer's head that we write is one that we take");
  require(again.status == head.status && again.reason == head.reason, "X1: the status line stays");
  if (!is_head) require(again.framing == context.framing_to_client, "X1: framed as was said");
  if (again.framing == Framing::length) require(again.content_length == head.content_length, "X1: as long");
  require(
      again.keep_alive == (context.framing_to_client != Framing::until_close) || client == Version::http10,
      "X1: only a body without an end closes");
}

}  // namespace

void answer_head(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool is_head = bytes.front() == 'H';
  bytes.remove_prefix(1);
  ResponseParser parser;
  ResponseHead head;
  if (parser.parse(bytes, head, is_head) == Status::done && has_room(head)) {
    if (head.status < 200) {
      if (head.status != 101 || head.upgrade) check_interim(head);
    } else {
      check_final(head, Version::http11, is_head);
      check_final(head, Version::http10, is_head);
    }
  }

  using namespace http1::testing;
  const Reading whole = verdict(read_responses(bytes, is_head, true, at_once));
  require(verdict(read_responses(bytes, is_head, true, cut_of(bytes))) == whole,
          "X3: the verdict depends on how the bytes came");
  if (bytes.size() < 500)
    require(verdict(read_responses(bytes, is_head, true, byte_by_byte)) == whole, "X3: byte by byte");
}

}  // namespace sluice::fuzz
