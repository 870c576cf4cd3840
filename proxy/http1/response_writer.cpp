#include "proxy/http1/response_writer.hpp"

#include "proxy/http/forward_fields.hpp"
#include "proxy/http/reason.hpp"
#include "proxy/http1/head_writer.hpp"

namespace sluice::http1 {
namespace {

void put_connection(bool keep_alive, Version client, HeadWriter& out) {
  if (!keep_alive) {
    out.put("Connection: close\r\n");
  } else if (client == Version::http10) {
    out.put("Connection: keep-alive\r\n");
  }
}

}  // namespace

Framing response_framing(const http::ResponseHead& head, Version client, bool is_head) {
  if (is_head || head.body == http::BodyLength::none) return Framing::none;
  if (head.body == http::BodyLength::known) return Framing::length;
  return client == Version::http11 ? Framing::chunked : Framing::until_close;
}

// Flat, as write_request().
[[gnu::flatten]] void write_response(const http::ResponseHead& head, const ResponseContext& context,
                                     Buffer& buffer) {
  const Framing framing = context.framing_to_client;
  HeadWriter out(buffer);
  out.status_line(head.status, head.reason);
  http::forward_response(head, {context.extra, context.date, framing == Framing::chunked}, out);
  put_connection(context.keep_alive && framing != Framing::until_close, context.client_version, out);
  out.framing(framing, head.content_length);
  // The length of the body that a GET would get (RFC 9110 8.6); never with 204.
  const bool describes = (context.head_request || head.status == 304) && head.status != 204;
  if (framing == Framing::none && describes && head.has_content_length)
    out.framing(Framing::length, head.content_length);
  out.end_of_head();
}

void write_interim(const http::ResponseHead& head, Buffer& buffer) {
  HeadWriter out(buffer);
  out.status_line(head.status, head.reason);
  http::forward_interim(head, out);
  if (head.upgrade) out.put("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  out.end_of_head();
}

void write_reply(int status, std::string_view error_reason, std::string_view body_text, bool keep_alive,
                 bool head, std::string_view date, Buffer& buffer, int retry_after_seconds, Version client) {
  HeadWriter out(buffer);
  out.status_line(status, http::reason_phrase(status));
  out.put("Content-Type: text/plain; charset=utf-8\r\nDate: ", date, "\r\n");
  out.framing(Framing::length, body_text.size());
  if (!error_reason.empty()) out.field("X-Sluice-Error", error_reason);
  if (retry_after_seconds > 0) out.field("Retry-After", static_cast<std::uint64_t>(retry_after_seconds));
  put_connection(keep_alive, client, out);
  out.end_of_head();
  if (!head) out.put(body_text);
}

}  // namespace sluice::http1
