#include "proxy/http1/request_writer.hpp"

#include "proxy/http/forward_fields.hpp"
#include "proxy/http1/head_writer.hpp"

namespace sluice::http1 {

using namespace std::string_view_literals;

namespace {

void put_request_line(const http::RequestHead& head, std::string_view prefix, HeadWriter& out) {
  const auto target = http::forwarded_target(head, prefix);
  const std::string_view mark = target.has_query ? "?"sv : ""sv;
  out.put(head.method, " ", target.root, target.path, mark, target.query, " HTTP/1.1\r\n");
}

void put_websocket_proof(const http::RequestHead& head, std::string_view key, HeadWriter& out) {
  out.field("Sec-WebSocket-Key", key);
  if (!head.fields.find("sec-websocket-version")) out.put("Sec-WebSocket-Version: 13\r\n");
}

void put_hop(const http::RequestHead& head, std::string_view websocket_key, HeadWriter& out) {
  if (!head.upgrade.empty()) {
    out.put("Connection: Upgrade", head.te_trailers ? ", TE" : "", "\r\nUpgrade: ", head.upgrade, "\r\n");
    if (!websocket_key.empty()) put_websocket_proof(head, websocket_key, out);
  } else if (head.te_trailers) {
    out.put("Connection: TE\r\n");
  }
  if (head.te_trailers) out.put("TE: trailers\r\n");
}

}  // namespace

Framing request_framing(const http::RequestHead& head) {
  switch (head.body) {
    case http::BodyLength::none:
      return Framing::none;
    case http::BodyLength::known:
      return Framing::length;
    case http::BodyLength::unknown:
      return Framing::chunked;
  }
  return Framing::none;
}

// Flat: what each field costs beside its bytes is calls.
[[gnu::flatten]] void write_request(const http::RequestHead& head, const http::ForwardContext& context,
                                    Buffer& buffer) {
  HeadWriter out(buffer);
  put_request_line(head, context.strip_prefix, out);
  out.field("Host", head.host.empty() ? context.default_host : head.host);
  http::forward_request(head, context, out);
  put_hop(head, context.websocket_key, out);
  out.framing(request_framing(head), head.content_length);
  if (context.mirror) out.field(http::kMirrorMark.name, http::kMirrorMark.value);
  out.end_of_head();
}

}  // namespace sluice::http1
