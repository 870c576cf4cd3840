// The bodies of forward_request(), forward_response() and forward_interim(), for those who make a sink. Pure.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/forward.hpp"
#include "proxy/http/forwarded.hpp"
#include "proxy/http/hop_by_hop.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http/trace.hpp"

namespace sluice::http {
namespace detail {

// A field of the proxy's own, whose name is a literal: as HTTP/1 has it, and in lower case. A sink that makes
// names lower case may have
//   lower_field(name, value)   a field whose name is so already
template <std::size_t N, class Sink>
void put_own(const char (&name)[N], const char (&lower)[N], std::string_view value, Sink& sink) {
  if constexpr (requires { sink.lower_field(lower, value); })
    sink.lower_field({lower, N - 1}, value);
  else
    sink.field(name, value);
}

// RFC 9110 7.6.3: the version that the message came in.
template <class Head, class Sink>
void put_via(const Head& head, Sink& sink) {
  using namespace std::string_view_literals;
  put_own("Via", "via", head.over_http2 ? "2.0 sluice"sv : "1.1 sluice"sv, sink);
}

// RFC 9110 7.6.2.
template <class Sink>
void put_max_forwards(const RequestHead& head, const Field& field, Sink& sink) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  std::uint64_t hops = 0;
  const bool counts = head.method == "OPTIONS" || head.method == "TRACE";
  if (!counts || !parse_decimal(field.value, kMost, hops) || hops == 0)
    return sink.field(field.name, field.value);
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, hops - 1).ptr;
  sink.field(field.name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

// The field without the pairs of that name; nothing when no other is left.
template <class Sink>
void put_cookies_but(std::string_view dropped, const Field& field, Sink& sink) {
  bool any = false;
  for (std::string_view rest = field.value; !rest.empty();) {
    const auto end = rest.find(';');
    const auto pair = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (pair.empty() || pair.substr(0, pair.find('=')) == dropped) continue;
    if (any)
      sink.put("; ");
    else
      sink.begin("Cookie");
    sink.put(pair);
    any = true;
  }
  if (any) sink.end();
}

// Fields that go on as they came. A sink that prints lines may have
//   lines(text)   whole lines, each with its end
// and gets those that lie behind each other in one piece; one that wants more of a field than its words has
//   pass(field)
template <class Sink>
class PassedFields {
 public:
  explicit PassedFields(Sink& sink) : sink_(sink) {}
  PassedFields(const PassedFields&) = delete;
  PassedFields& operator=(const PassedFields&) = delete;
  ~PassedFields() { flush(); }

  void add(const Field& field) {
    if constexpr (kTakesLines) {
      if (field.is_line) return add_line(field);
      flush();
    }
    if constexpr (requires { sink_.pass(field); })
      sink_.pass(field);
    else
      sink_.field(field.name, field.value);
  }
  // Before anything else goes to the sink.
  void flush() {
    if constexpr (kTakesLines) {
      if (begin_ != end_) sink_.lines({begin_, static_cast<std::size_t>(end_ - begin_)});
      begin_ = end_;
    }
  }

 private:
  static constexpr bool kTakesLines = requires(Sink & sink) { sink.lines(std::string_view()); };

  void add_line(const Field& field) {
    if (field.name.data() != end_) {
      flush();
      begin_ = field.name.data();
    }
    end_ = field.value.data() + field.value.size() + 2;
  }

  Sink& sink_;
  const char *begin_ = nullptr, *end_ = nullptr;  // lines that are still to go
};

inline constexpr auto kPassing =
    HeaderSet::of([](const FieldTraits& traits) { return traits.to_backend == ToBackend::pass; });
inline constexpr auto kPassingBack =
    HeaderSet::of([](const FieldTraits& traits) { return traits.to_client == ToClient::pass; });
inline constexpr auto kPassingBackWithTrailers =
    HeaderSet::of([](const FieldTraits& traits) { return traits.to_client != ToClient::never; });

// The fields of the request that are meant for the backend.
template <class Sink>
void put_own_fields(const RequestHead& head, const ForwardContext& context, bool traced, Sink& sink) {
  const HopByHopFields ending(head);
  PassedFields<Sink> passed(sink);
  const bool none_ends = ending.empty();
  for (const Field& field : head.fields) {
    if (none_ends && kPassing.has(field.id)) {  // most of them
      passed.add(field);
      continue;
    }
    switch (traits_of(field.id).to_backend) {
      case ToBackend::pass:
        break;
      case ToBackend::never:
        continue;
      case ToBackend::always:
        passed.add(field);
        continue;
      case ToBackend::if_trusted:
        if (context.trusted) passed.add(field);
        continue;
      case ToBackend::count_down:
        passed.flush();
        put_max_forwards(head, field, sink);
        continue;
      case ToBackend::with_trailers:
        if (head.body != BodyLength::unknown) continue;
        break;
      case ToBackend::trace_parent:
        if (traced && context.traceparent.empty()) passed.add(field);
        continue;
      case ToBackend::trace_state:
        if (!traced) continue;
        break;
      case ToBackend::credentials:
        if (context.mirror && logs_connection_in(field.value)) continue;
        break;
      case ToBackend::cookies:
        if (context.drop_cookie.empty()) break;
        passed.flush();
        if (!ending.contains(field.name)) put_cookies_but(context.drop_cookie, field, sink);
        continue;
    }
    if (!ending.contains(field.name)) passed.add(field);
  }
}

// RFC 7239 5.2, 6: an element of its own, for the proxy that the list came from.
template <class Sink>
void append_to_forwarded(const RequestHead& head, std::string_view hop, Sink& sink) {
  for (const Field& field : head.fields) {
    if (field.id != Header::forwarded || !iequals(field.name, "forwarded")) continue;
    const bool v6 = hop.find(':') != std::string_view::npos;
    sink.begin("Forwarded");
    sink.put("for=", v6 ? "\"[" : "", hop, v6 ? "]\"" : "");
    return sink.end();
  }
}

template <class Sink>
void put_forwarded_for(const RequestHead& head, const ForwardContext& context, Sink& sink) {
  if (!context.trusted) return put_own("X-Forwarded-For", "x-forwarded-for", context.client_ip, sink);
  sink.begin("X-Forwarded-For");
  for (const Field& field : head.fields) {
    if (field.id != Header::forwarded_for) continue;
    for (std::string_view list = field.value; !list.empty();)
      if (const auto member = take_member(list); !member.empty()) sink.put(member, ", ");
  }
  sink.put(context.client_ip);
  sink.end();
}

// What a trusted proxy said of its client stays, and the proxy is named behind it; of anybody else nothing
// does. A port is passed on and never made: where ports are mapped, ours is not the one that the client used.
template <class Sink>
void put_forwarded(const RequestHead& head, const ForwardContext& context, Sink& sink) {
  std::string_view proto = context.proto, host = head.host, port;
  if (context.trusted) {
    if (const auto said = forwarded_proto(head.fields); !said.empty()) proto = said;
    if (const auto said = forwarded_host(head.fields); !said.empty()) host = said;
    port = forwarded_port(head.fields);
    append_to_forwarded(head, context.client_ip, sink);
  }
  put_forwarded_for(head, context, sink);
  put_own("X-Forwarded-Proto", "x-forwarded-proto", proto, sink);
  if (!host.empty()) put_own("X-Forwarded-Host", "x-forwarded-host", host, sink);
  if (!port.empty()) sink.field("X-Forwarded-Port", port);
}

template <class Sink>
void put_client(const RequestHead& head, const ForwardContext& context, Sink& sink) {
  put_forwarded(head, context, sink);
  for (const Field& field : context.identity) sink.field(field.name, field.value);
  char storage[32];
  const auto request_id =
      context.request_id.empty() ? choose_request_id(head, context.random, storage) : context.request_id;
  put_own("X-Request-ID", "x-request-id", request_id, sink);
  if (!context.feature_flags.empty()) sink.field("X-Feature-Flags", context.feature_flags);
}

template <class Sink>
void put_answer_fields(const ResponseHead& head, bool trailers, Sink& sink) {
  const HopByHopFields ending(head);
  PassedFields<Sink> passed(sink);
  const bool none_ends = ending.empty();
  const HeaderSet passing = trailers ? kPassingBackWithTrailers : kPassingBack;
  for (const Field& field : head.fields)
    if (passing.has(field.id) && (none_ends || !ending.contains(field.name))) passed.add(field);
}

}  // namespace detail

template <class Sink>
void forward_request(const RequestHead& head, const ForwardContext& context, Sink& sink) {
  const Field* parent = only_field(head.fields, Header::traceparent);
  const bool traced = parent && is_traceparent(parent->value);
  detail::put_own_fields(head, context, traced, sink);
  detail::put_client(head, context, sink);
  char storage[55];
  std::string_view told = context.traceparent;
  if (told.empty() && !traced) told = make_traceparent(context.random, context.trace_id, storage);
  if (!told.empty()) detail::put_own("traceparent", "traceparent", told, sink);
  detail::put_via(head, sink);
  if (head.expect_continue && context.forward_expect) sink.field("Expect", "100-continue");
}

template <class Sink>
void forward_response(const ResponseHead& head, const AnswerContext& context, Sink& sink) {
  detail::put_answer_fields(head, context.trailers, sink);
  detail::put_via(head, sink);
  if (!head.fields.find(Header::date)) detail::put_own("Date", "date", context.date, sink);
  for (const Field& field : context.extra) sink.field(field.name, field.value);
}

template <class Sink>
void forward_interim(const ResponseHead& head, Sink& sink) {
  detail::put_answer_fields(head, false, sink);
  if (head.upgrade) detail::put_via(head, sink);
}

}  // namespace sluice::http
