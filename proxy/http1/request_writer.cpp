#include "proxy/http1/request_writer.hpp"

#include "proxy/http/forwarded.hpp"
#include "proxy/http/hop_by_hop.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http/trace.hpp"
#include "proxy/http1/head_writer.hpp"

namespace sluice::http1 {
namespace {

std::string_view without_prefix(std::string_view path, std::string_view prefix) {
  return path.substr(0, prefix.size()) == prefix ? path.substr(prefix.size()) : path;
}

void put_request_line(const RequestHead& head, std::string_view prefix, HeadWriter& out) {
  const auto path = head.asterisk ? head.path : without_prefix(head.path, prefix);
  const bool rooted = head.asterisk || (!path.empty() && path.front() == '/');
  const bool has_query = head.query.data() != nullptr;  // "/?" keeps its mark
  out.put(head.method, rooted ? " " : " /", path, has_query ? "?" : "", head.query, " HTTP/1.1\r\n");
}

void put_max_forwards(const RequestHead& head, const http::Field& field, HeadWriter& out) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  std::uint64_t hops = 0;
  const bool counts = head.method == "OPTIONS" || head.method == "TRACE";
  if (counts && http::parse_decimal(field.value, kMost, hops) && hops > 0) {
    out.field(field.name, hops - 1);
  } else {
    out.field(field.name, field.value);
  }
}

// Passes on what is meant for the backend; everything that frames, routes or speaks for the proxy is written
// by us.
void put_request_field(const RequestHead& head, const http::ForwardContext& context, const http::Field& field,
                       const http::HopByHopFields& ending, bool traced, HeadWriter& out) {
  switch (field.id) {
    case http::Header::host:
    case http::Header::connection:
    case http::Header::content_length:
    case http::Header::transfer_encoding:
    case http::Header::te:
    case http::Header::upgrade:
    case http::Header::expect:
    case http::Header::x_request_id:
    case http::Header::keep_alive:
    case http::Header::hop_by_hop:
    case http::Header::proxy:
    case http::Header::forwarded_for:
    case http::Header::forwarded_proto:
    case http::Header::forwarded_host:
    case http::Header::forwarded_port:
    case http::Header::ours:
    case http::Header::sluice:
    case http::Header::alias:
      return;
    case http::Header::forwarded:  // out of Connection's reach: a client behind that proxy may have named it
                                   // there
      if (context.trusted) out.field(field.name, field.value);
      return;
    case http::Header::max_forwards:
      return put_max_forwards(head, field, out);
    case http::Header::via:
      return out.field(field.name, field.value);
    case http::Header::trailer:
      if (head.framing != Framing::chunked) return;
      break;
    case http::Header::traceparent:
      if (traced) out.field(field.name, field.value);
      return;
    case http::Header::tracestate:  // says nothing without its traceparent
      if (!traced) return;
      break;
    case http::Header::authorization:
    case http::Header::authenticate:
    case http::Header::other:
    case http::Header::date:
    case http::Header::cookie:
      break;
  }
  if (!ending.contains(field.name)) out.field(field.name, field.value);
}

// The field without the pairs of that name; nothing when no other is left.
void put_cookies_but(std::string_view dropped, const http::Field& field, HeadWriter& out) {
  bool any = false;
  for (std::string_view rest = field.value; !rest.empty();) {
    const auto end = rest.find(';');
    const auto pair = http::trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (pair.empty() || pair.substr(0, pair.find('=')) == dropped) continue;
    out.put(any ? std::string_view("; ") : std::string_view("Cookie: "), pair);
    any = true;
  }
  if (any) out.put("\r\n");
}

// RFC 7239 5.2, 6: an element of its own, for the proxy that the list came from.
void append_to_forwarded(const RequestHead& head, std::string_view hop, HeadWriter& out) {
  for (const http::Field& field : head.fields) {
    if (field.id != http::Header::forwarded || !http::iequals(field.name, "forwarded")) continue;
    const bool v6 = hop.find(':') != std::string_view::npos;
    return out.put("Forwarded: for=", v6 ? "\"[" : "", hop, v6 ? "]\"\r\n" : "\r\n");
  }
}

void put_forwarded_for(const RequestHead& head, const http::ForwardContext& context, HeadWriter& out) {
  out.put("X-Forwarded-For: ");
  if (context.trusted)
    for (const http::Field& field : head.fields) {
      if (field.id != http::Header::forwarded_for) continue;
      for (std::string_view list = field.value; !list.empty();)
        if (const auto member = http::take_member(list); !member.empty()) out.put(member, ", ");
    }
  out.put(context.client_ip, "\r\n");
}

// What a trusted proxy said of its client stays, and the proxy is named behind it; of anybody else nothing
// does. A port is passed on and never made: where ports are mapped, ours is not the one that the client used.
void put_forwarded(const RequestHead& head, const http::ForwardContext& context, HeadWriter& out) {
  std::string_view proto, host, port;
  if (context.trusted) {
    proto = http::forwarded_proto(head.fields);
    host = http::forwarded_host(head.fields);
    port = http::forwarded_port(head.fields);
    append_to_forwarded(head, context.client_ip, out);
  }
  put_forwarded_for(head, context, out);
  out.put("X-Forwarded-Proto: ", proto.empty() ? context.proto : proto, "\r\n");
  if (host.empty()) host = head.host;
  if (!host.empty()) out.field("X-Forwarded-Host", host);
  if (!port.empty()) out.field("X-Forwarded-Port", port);
}

void put_client(const RequestHead& head, const http::ForwardContext& context, HeadWriter& out) {
  put_forwarded(head, context, out);
  if (!context.identity.empty()) out.put(context.identity);
  char storage[32];
  const auto request_id = context.request_id.empty() ? http::choose_request_id(head, context.random, storage)
                                                     : context.request_id;
  out.field("X-Request-ID", request_id);
  if (!context.feature_flags.empty()) out.field("X-Feature-Flags", context.feature_flags);
}

void put_hop(const RequestHead& head, HeadWriter& out) {
  if (!head.upgrade.empty()) {
    out.put("Connection: Upgrade", head.te_trailers ? ", TE" : "", "\r\nUpgrade: ", head.upgrade, "\r\n");
  } else if (head.te_trailers) {
    out.put("Connection: TE\r\n");
  }
  if (head.te_trailers) out.put("TE: trailers\r\n");
}

}  // namespace

void write_request(const RequestHead& head, const http::ForwardContext& context, Buffer& buffer) {
  HeadWriter out(buffer);
  put_request_line(head, context.strip_prefix, out);
  out.field("Host", head.host.empty() ? context.default_host : head.host);

  const http::HopByHopFields ending(head);
  const http::Field* parent = http::only_field(head.fields, http::Header::traceparent);
  const bool traced = parent && http::is_traceparent(parent->value);
  for (const http::Field& field : head.fields) {
    if (field.id != http::Header::cookie || context.drop_cookie.empty())
      put_request_field(head, context, field, ending, traced, out);
    else if (!ending.contains(field.name))
      put_cookies_but(context.drop_cookie, field, out);
  }

  put_client(head, context, out);
  if (!traced) {
    char storage[55];
    out.field("traceparent", http::make_traceparent(context.random, storage));
  }
  out.put(kVia);
  if (head.expect_continue && context.forward_expect) out.put("Expect: 100-continue\r\n");
  put_hop(head, out);
  put_framing(head.framing, head.content_length, out);
  out.end();
}

}  // namespace sluice::http1
