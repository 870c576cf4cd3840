#include "proxy/http/forward.hpp"

#include <algorithm>

#include "proxy/http/forwarded.hpp"
#include "proxy/http/head_writer.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http/trace.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kVia = "Via: 1.1 sluice\r\n";

constexpr std::array<std::string_view, 3> kCredentials{"Authorization", "Cookie", "Proxy-Authorization"};

// The fields that end here: those that Connection names (RFC 9110 7.6.1), and in a TRACE, whose answer holds
// what was received, those with credentials (9.3.8). What the proxy itself writes is out of their reach.
class EndingFields {
 public:
  EndingFields(const Fields& fields, bool any) {
    if (!any) return;
    for (const Field& field : fields)
      if (field.id == Header::connection) collect(field.value);
  }
  explicit EndingFields(const RequestHead& head) : EndingFields(head.fields, head.names_fields) {
    if (head.method != "TRACE") return;
    for (const auto name : kCredentials) names_[size_++] = name;
  }
  bool contains(std::string_view name) const {
    return std::any_of(names_.begin(), names_.begin() + size_,
                       [&](auto named) { return iequals(named, name); });
  }

 private:
  void collect(std::string_view list) {
    while (!list.empty() && size_ < kMaxNamedFields) {
      const auto name = take_member(list);
      if (!name.empty() && !is_option(name)) names_[size_++] = name;
    }
  }
  static bool is_option(std::string_view name) {
    return iequals(name, "close") || iequals(name, "keep-alive") || iequals(name, "upgrade") ||
           iequals(name, "te");
  }

  std::array<std::string_view, kMaxNamedFields + kCredentials.size()> names_;
  std::size_t size_ = 0;
};

// Only a single field speaks for the client; two contradict each other.
const Field* only_field(const Fields& fields, Header id) {
  const Field* found = nullptr;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

std::string_view without_prefix(std::string_view path, std::string_view prefix) {
  return path.substr(0, prefix.size()) == prefix ? path.substr(prefix.size()) : path;
}

void put_request_line(const RequestHead& head, std::string_view prefix, HeadWriter& out) {
  const auto path = head.asterisk ? head.path : without_prefix(head.path, prefix);
  const bool rooted = head.asterisk || (!path.empty() && path.front() == '/');
  const bool has_query = head.query.data() != nullptr;  // "/?" keeps its mark
  out.put(head.method, rooted ? " " : " /", path, has_query ? "?" : "", head.query, " HTTP/1.1\r\n");
}

void put_max_forwards(const RequestHead& head, const Field& field, HeadWriter& out) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  std::uint64_t hops = 0;
  const bool counts = head.method == "OPTIONS" || head.method == "TRACE";
  if (counts && parse_decimal(field.value, kMost, hops) && hops > 0) {
    out.field(field.name, hops - 1);
  } else {
    out.field(field.name, field.value);
  }
}

// Passes on what is meant for the backend; everything that frames, routes or speaks for the proxy is written
// by us.
void put_request_field(const RequestHead& head, const ForwardContext& context, const Field& field,
                       const EndingFields& ending, bool traced, HeadWriter& out) {
  switch (field.id) {
    case Header::host:
    case Header::connection:
    case Header::content_length:
    case Header::transfer_encoding:
    case Header::te:
    case Header::upgrade:
    case Header::expect:
    case Header::x_request_id:
    case Header::keep_alive:
    case Header::hop_by_hop:
    case Header::proxy:
    case Header::forwarded_for:
    case Header::forwarded_proto:
    case Header::forwarded_host:
    case Header::forwarded_port:
    case Header::ours:
    case Header::sluice:
    case Header::alias:
      return;
    case Header::forwarded:  // out of Connection's reach: a client behind that proxy may have named it there
      if (context.trusted) out.field(field.name, field.value);
      return;
    case Header::max_forwards:
      return put_max_forwards(head, field, out);
    case Header::via:
      return out.field(field.name, field.value);
    case Header::trailer:
      if (head.framing != Framing::chunked) return;
      break;
    case Header::traceparent:
      if (traced) out.field(field.name, field.value);
      return;
    case Header::tracestate:  // says nothing without its traceparent
      if (!traced) return;
      break;
    case Header::authorization:
    case Header::authenticate:
    case Header::other:
    case Header::date:
    case Header::cookie:
      break;
  }
  if (!ending.contains(field.name)) out.field(field.name, field.value);
}

// The field without the pairs of that name; nothing when no other is left.
void put_cookies_but(std::string_view dropped, const Field& field, HeadWriter& out) {
  bool any = false;
  for (std::string_view rest = field.value; !rest.empty();) {
    const auto end = rest.find(';');
    const auto pair = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (pair.empty() || pair.substr(0, pair.find('=')) == dropped) continue;
    out.put(any ? std::string_view("; ") : std::string_view("Cookie: "), pair);
    any = true;
  }
  if (any) out.put("\r\n");
}

// RFC 7239 5.2, 6: an element of its own, for the proxy that the list came from.
void append_to_forwarded(const RequestHead& head, std::string_view hop, HeadWriter& out) {
  for (const Field& field : head.fields) {
    if (field.id != Header::forwarded || !iequals(field.name, "forwarded")) continue;
    const bool v6 = hop.find(':') != std::string_view::npos;
    return out.put("Forwarded: for=", v6 ? "\"[" : "", hop, v6 ? "]\"\r\n" : "\r\n");
  }
}

void put_forwarded_for(const RequestHead& head, const ForwardContext& context, HeadWriter& out) {
  out.put("X-Forwarded-For: ");
  if (context.trusted)
    for (const Field& field : head.fields) {
      if (field.id != Header::forwarded_for) continue;
      for (std::string_view list = field.value; !list.empty();)
        if (const auto member = take_member(list); !member.empty()) out.put(member, ", ");
    }
  out.put(context.client_ip, "\r\n");
}

// What a trusted proxy said of its client stays, and the proxy is named behind it; of anybody else nothing
// does. A port is passed on and never made: where ports are mapped, ours is not the one that the client used.
void put_forwarded(const RequestHead& head, const ForwardContext& context, HeadWriter& out) {
  std::string_view proto, host, port;
  if (context.trusted) {
    proto = forwarded_proto(head.fields);
    host = forwarded_host(head.fields);
    port = forwarded_port(head.fields);
    append_to_forwarded(head, context.client_ip, out);
  }
  put_forwarded_for(head, context, out);
  out.put("X-Forwarded-Proto: ", proto.empty() ? context.proto : proto, "\r\n");
  if (host.empty()) host = head.host;
  if (!host.empty()) out.field("X-Forwarded-Host", host);
  if (!port.empty()) out.field("X-Forwarded-Port", port);
}

void put_client(const RequestHead& head, const ForwardContext& context, HeadWriter& out) {
  put_forwarded(head, context, out);
  if (!context.identity.empty()) out.put(context.identity);
  char storage[32];
  const auto request_id =
      context.request_id.empty() ? choose_request_id(head, context.random, storage) : context.request_id;
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

void put_framing(Framing framing, std::uint64_t length, HeadWriter& out) {
  if (framing == Framing::length) out.field("Content-Length", length);
  if (framing == Framing::chunked) out.put("Transfer-Encoding: chunked\r\n");
}

void put_response_fields(const ResponseHead& head, bool with_trailer, HeadWriter& out) {
  const EndingFields ending(head.fields, head.names_fields);
  for (const Field& field : head.fields) {
    switch (field.id) {
      case Header::connection:
      case Header::content_length:
      case Header::transfer_encoding:
      case Header::te:
      case Header::upgrade:
      case Header::keep_alive:
      case Header::hop_by_hop:
      case Header::sluice:
        continue;
      case Header::trailer:
        if (!with_trailer) continue;
        break;
      case Header::other:
      case Header::host:
      case Header::expect:
      case Header::max_forwards:
      case Header::via:
      case Header::date:
      case Header::cookie:
      case Header::x_request_id:
      case Header::traceparent:
      case Header::tracestate:
      case Header::proxy:
      case Header::authorization:
      case Header::authenticate:
      case Header::forwarded:
      case Header::forwarded_for:
      case Header::forwarded_proto:
      case Header::forwarded_host:
      case Header::forwarded_port:
      case Header::ours:
      case Header::alias:
        break;
    }
    if (!ending.contains(field.name)) out.field(field.name, field.value);
  }
}

}  // namespace

std::string_view choose_request_id(const RequestHead& head, const std::array<std::uint64_t, 3>& random,
                                   char (&storage)[32]) {
  const Field* own = only_field(head.fields, Header::x_request_id);
  return own && is_sane_request_id(own->value) ? own->value : make_request_id(random, storage);
}

void write_request(const RequestHead& head, const ForwardContext& context, Buffer& buffer) {
  HeadWriter out(buffer);
  put_request_line(head, context.strip_prefix, out);
  out.field("Host", head.host.empty() ? context.default_host : head.host);

  const EndingFields ending(head);
  const Field* parent = only_field(head.fields, Header::traceparent);
  const bool traced = parent && is_traceparent(parent->value);
  for (const Field& field : head.fields) {
    if (field.id != Header::cookie || context.drop_cookie.empty())
      put_request_field(head, context, field, ending, traced, out);
    else if (!ending.contains(field.name))
      put_cookies_but(context.drop_cookie, field, out);
  }

  put_client(head, context, out);
  if (!traced) {
    char storage[55];
    out.field("traceparent", make_traceparent(context.random, storage));
  }
  out.put(kVia);
  if (head.expect_continue && context.forward_expect) out.put("Expect: 100-continue\r\n");
  put_hop(head, out);
  put_framing(head.framing, head.content_length, out);
  out.end();
}

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
  if (!head.fields.find(Header::date)) out.field("Date", context.date);
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

}  // namespace sluice::http
