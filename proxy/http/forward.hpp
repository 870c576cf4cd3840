// Which fields go on, and what the proxy adds (CONTRACT, Headers): made anew from what was parsed (X1),
// without what belongs to one hop only (X6). Decisions only: a sink takes the fields, and the sink's wire
// writes the first line and what frames the message. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http/message.hpp"

namespace sluice::http {

// What a request goes on with.
struct ForwardContext {
  std::string_view client_ip = {};      // who connected: goes to the end of X-Forwarded-For
  bool trusted = false;                 // a trusted proxy: its X-Forwarded-* and Forwarded are kept
  std::string_view proto = {};          // "http" or "https"
  std::string_view request_id = {};     // from choose_request_id(); empty: chosen here
  std::string_view strip_prefix = {};   // taken off the path if it is there; what remains starts with '/'
  std::string_view default_host = {};   // the Host of a request without one (HTTP/1.0): the backend's address
  std::string_view feature_flags = {};  // "a=on,b=off"; empty: no X-Feature-Flags
  std::span<const Field> identity = {};  // about the client's certificate; empty without one
  std::string_view drop_cookie = {};     // the name of a cookie that is not the backend's; empty: none
  bool forward_expect = true;            // false when the 100 was or will be sent by us
  // The request is a copy (M1): its head says so, and does not log the copy's connection in, which carries
  // other clients' copies, too (R4).
  bool mirror = false;
  // What proves a WebSocket's opening to a backend over HTTP/1, for a client that has none (RFC 8441); empty:
  // the client's own.
  std::string_view websocket_key = {};
  // Fresh for each request: a new request id and trace id are made of [0] and [1], a new span id of [2].
  std::array<std::uint64_t, 3> random = {};
  std::string_view trace_id = {};  // of `random`, if it was made already
  // Instead of the client's traceparent and of one that is made: where this hop has a span of its own. Empty:
  // it has none.
  std::string_view traceparent = {};
  // Of a gRPC call: attempts before this one, the client's own included; 0: the client's word stands.
  std::uint32_t previous_attempts = 0;
};

// What an answer goes on with.
struct AnswerContext {
  std::span<const Field> extra = {};  // Set-Cookie, X-Sluice-Pool ...
  std::string_view date = {};         // IMF-fixdate of now, for an answer without one
  bool trailers = false;              // trailers may follow the body
};

// A sink of fields has
//   field(name, value)                   a whole field
//   begin(name), put(part...), end()     a field whose value comes in parts
// with names and parts that are literals or views, valid during the call. The bodies are in
// proxy/http/forward_fields.hpp, for those who make a sink.

// All fields of a request for a backend but those that its wire has words of its own for: Host, Connection,
// Upgrade, TE, what frames the body, and kMirrorMark.
template <class Sink>
void forward_request(const RequestHead& head, const ForwardContext& context, Sink& sink);
// All fields of a final answer for a client but Connection and what frames the body.
template <class Sink>
void forward_response(const ResponseHead& head, const AnswerContext& context, Sink& sink);
// All fields of an interim answer, or of a 101 that opens a tunnel, but Connection and Upgrade.
template <class Sink>
void forward_interim(const ResponseHead& head, Sink& sink);

// The field that a copy's head ends with.
inline constexpr Field kMirrorMark{"X-Sluice-Mirror", "1", Header::sluice};

// Where a request goes: the path without the prefix that its route takes off.
struct ForwardedTarget {
  std::string_view root;  // "/" when the rest does not begin with it, else empty
  std::string_view path;
  std::string_view query;  // without the '?'
  bool has_query;          // also an empty one: "/?" keeps its mark
};
ForwardedTarget forwarded_target(const RequestHead& head, std::string_view strip_prefix);

// The client's own X-Request-ID if there is one and it is sane (1 to 128 visible characters), else 32 hex
// digits of `random`, written to `storage`.
std::string_view choose_request_id(const RequestHead& head, const std::array<std::uint64_t, 3>& random,
                                   char (&storage)[32]);

// The only field of that name; null when there is none, and when there are two: they contradict each other.
const Field* only_field(const Fields& fields, Header id);

}  // namespace sluice::http
