#include "proxy/http1/response_writer.hpp"

#include "proxy/http/hop_by_hop.hpp"
#include "proxy/http/reason.hpp"
#include "proxy/http1/head_writer.hpp"

namespace sluice::http1 {
namespace {

void put_response_fields(const ResponseHead& head, bool with_trailer, HeadWriter& out) {
  const http::HopByHopFields ending(head.fields, head.names_fields);
  for (const http::Field& field : head.fields) {
    switch (field.id) {
      case http::Header::connection:
      case http::Header::content_length:
      case http::Header::transfer_encoding:
      case http::Header::te:
      case http::Header::upgrade:
      case http::Header::keep_alive:
      case http::Header::hop_by_hop:
      case http::Header::sluice:
        continue;
      case http::Header::trailer:
        if (!with_trailer) continue;
        break;
      case http::Header::other:
      case http::Header::host:
      case http::Header::expect:
      case http::Header::max_forwards:
      case http::Header::via:
      case http::Header::date:
      case http::Header::cookie:
      case http::Header::x_request_id:
      case http::Header::traceparent:
      case http::Header::tracestate:
      case http::Header::proxy:
      case http::Header::authorization:
      case http::Header::authenticate:
      case http::Header::forwarded:
      case http::Header::forwarded_for:
      case http::Header::forwarded_proto:
      case http::Header::forwarded_host:
      case http::Header::forwarded_port:
      case http::Header::ours:
      case http::Header::alias:
        break;
    }
    if (!ending.contains(field.name)) out.field(field.name, field.value);
  }
}

}  // namespace

Framing response_framing(const ResponseHead& head, Version client, bool is_head) {
  if (is_head || head.framing == Framing::none) return Framing::none;
  if (head.framing == Framing::length) return Framing::length;
  return client == Version::http11 ? Framing::chunked : Framing::until_close;
}

void write_response(const ResponseHead& head, const ResponseContext& context, Buffer& buffer) {
  HeadWriter out(buffer);
  out.status_line(head.status, head.reason);
  put_response_fields(head, context.framing_to_client == Framing::chunked, out);
  out.put(kVia);
  if (!head.fields.find(http::Header::date)) out.field("Date", context.date);
  out.put(context.extra);

  const bool keep_alive = context.keep_alive && context.framing_to_client != Framing::until_close;
  if (!keep_alive) {
    out.put("Connection: close\r\n");
  } else if (context.client_version == Version::http10) {
    out.put("Connection: keep-alive\r\n");
  }
  put_framing(context.framing_to_client, head.content_length, out);
  // The length of the body that a GET would get (RFC 9110 8.6); never with 204.
  const bool describes = context.head_request || head.status == 304;
  if (context.framing_to_client == Framing::none && describes && head.has_content_length &&
      head.status != 204)
    out.field("Content-Length", head.content_length);
  out.end();
}

void write_interim(const ResponseHead& head, Buffer& buffer) {
  HeadWriter out(buffer);
  out.status_line(head.status, head.reason);
  put_response_fields(head, false, out);
  if (head.upgrade) out.put(kVia, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  out.end();
}

void write_reply(int status, std::string_view error_reason, std::string_view body_text, bool keep_alive,
                 bool head, std::string_view date, Buffer& buffer, int retry_after_seconds, Version client) {
  HeadWriter out(buffer);
  out.status_line(status, http::reason_phrase(status));
  out.put("Content-Type: text/plain; charset=utf-8\r\nDate: ", date, "\r\n");
  out.field("Content-Length", body_text.size());
  if (!error_reason.empty()) out.field("X-Sluice-Error", error_reason);
  if (retry_after_seconds > 0) out.field("Retry-After", static_cast<std::uint64_t>(retry_after_seconds));
  if (!keep_alive) {
    out.put("Connection: close\r\n");
  } else if (client == Version::http10) {
    out.put("Connection: keep-alive\r\n");
  }
  out.end();
  if (!head) out.put(body_text);
}

}  // namespace sluice::http1
