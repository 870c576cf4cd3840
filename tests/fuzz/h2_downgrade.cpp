// A request of HTTP/2 as it goes on over HTTP/1: one request, that says the same. The input is fields: sizes
// of name and value in a byte each, then both.
#include <string>

#include "proxy/h2/block_check.hpp"
#include "proxy/h2/head_reader.hpp"
#include "proxy/h2/head_writer.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

void read_fields(std::string_view bytes, h2::FieldBlock& block) {
  while (bytes.size() >= 2) {
    const std::size_t name = static_cast<unsigned char>(bytes[0]),
                      value = static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < name + value) return;
    const std::string_view named = bytes.substr(0, name), said = bytes.substr(name, value);
    block.add({named, said, hpack::form_of(named, said)}, 32 * 1024, 80);
    bytes.remove_prefix(name + value);
  }
}

http::ForwardContext context() {
  http::ForwardContext context;
  context.client_ip = "192.0.2.1";
  context.proto = "https";
  return context;
}

bool goes_on(const http::Field& field) {
  return http::traits_of(field.id).to_backend == http::ToBackend::pass && field.id != http::Header::trailer;
}

void check_http1(const http::RequestHead& head) {
  Buffer out;
  http1::write_request(head, context(), out);
  http1::RequestParser parser;
  http1::RequestHead again;
  require(parser.parse(out.view(), again) == http1::Status::done && again.size == out.size(),
          "what goes on is one head");
  require(again.method == head.method && again.path == head.path && again.query == head.query,
          "the same target");
  require(again.host == head.host && again.upgrade == head.upgrade, "for the same host");
  require(again.body == head.body && again.content_length == head.content_length, "with the same body");
  auto at = again.fields.begin();
  for (const http::Field& field : head.fields) {
    if (!goes_on(field) || head.method == "TRACE") continue;
    while (at != again.fields.end() && (at->name != field.name || at->value != field.value)) ++at;
    require(at != again.fields.end(), "every field goes on, in order");
  }
}

void check_http2(const http::RequestHead& head) {
  h2::FieldList list;
  h2::write_request(head, context(), "https", list);
  std::size_t held = 0;
  h2::FieldBlock block(held);
  const h2::FieldSpan said = list.span();
  for (std::size_t i = 0; i < said.size(); ++i) {
    const hpack::FieldForm form = hpack::form_of(said.name(i), said.value(i));
    block.add({said.name(i), said.value(i), form}, 64 * 1024, 100);
  }
  require(!block.too_large() && !h2::check_request(block).flaw, "what goes on is of a sound form");
  http::RequestHead again;
  require(!h2::read_request(block, head.body != http::BodyLength::unknown, 9000, again).reason,
          "and is taken");
  require(again.method == head.method && again.path == head.path && again.host == head.host,
          "and says the same");
}

}  // namespace

void h2_downgrade(std::string_view bytes) {
  for (const bool end : {true, false}) {
    std::size_t held = 0;
    h2::FieldBlock block(held);
    read_fields(bytes, block);
    const h2::BlockForm form = h2::check_request(block);
    if (form.flaw || (end && form.content_length > 0)) continue;
    http::RequestHead head;
    if (h2::read_request(block, end, 8192, head).reason) continue;
    require(!head.host.empty() && head.fields.size() <= 82, "a request that is taken has a host");
    check_http1(head);
    check_http2(head);
  }
}

}  // namespace sluice::fuzz
