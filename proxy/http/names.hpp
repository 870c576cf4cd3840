// The field names the proxy itself acts on, and what it does with each: one row of kTraits a name. Every
// parsed field carries its id, so that names are compared once per head. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace sluice::http {

enum class Header : std::uint8_t {
  other,  // end to end, forwarded as received
  host,
  connection,
  content_length,
  transfer_encoding,
  te,
  trailer,
  upgrade,
  expect,
  max_forwards,
  via,
  date,
  cookie,
  x_request_id,
  traceparent,
  tracestate,
  keep_alive,
  hop_by_hop,     // Proxy-Connection, HTTP2-Settings
  authorization,  // also Proxy-Authorization
  authenticate,   // WWW-Authenticate, Proxy-Authenticate
  proxy,          // never a real request field; CGI backends would read it as HTTP_PROXY (httpoxy)
  // A client's own reach no backend; those of a trusted proxy do.
  forwarded,  // Forwarded and all X-Forwarded-* but the next four
  forwarded_for,
  forwarded_proto,
  forwarded_host,
  forwarded_port,
  ours,    // X-Real-IP, Client-Cert*, X-Client-Cert-*, X-Feature-Flags: nobody but we say them to a backend
  sluice,  // X-Sluice-*
  // The last: see every_id_has_its_row().
  alias,  // `Content_Length`: CGI-style backends read it as the field above that it imitates; never forwarded
};

// What the reader of a head takes from a field.
enum class Says : std::uint8_t {
  nothing,
  host,
  length,
  coding,
  options,  // of the connection
  takes_trailers,
  upgrade,
  expectation,
  hops_left,
  login,
  kept_time,
};

// Whether a field of a request goes on to the backend.
enum class ToBackend : std::uint8_t {
  pass,           // unless Connection names it
  always,         // out of Connection's reach
  never,          // it is this hop's, or the proxy says it itself
  if_trusted,     // only that of a trusted proxy; out of Connection's reach: a client behind it may name it
  count_down,     // Max-Forwards
  with_trailers,  // only where trailers may follow
  trace_parent,   // only a sound one; out of Connection's reach
  trace_state,    // says nothing without its traceparent
  credentials,    // not in a copy, when they log a connection in
  cookies,        // without the one that is the proxy's
};

// Whether a field of an answer goes on to the client.
enum class ToClient : std::uint8_t { pass, never, with_trailers };

struct FieldTraits {
  Header id;
  Says says;
  ToBackend to_backend;
  ToClient to_client;
};

// In the order of Header.
inline constexpr FieldTraits kTraits[] = {
    {Header::other, Says::nothing, ToBackend::pass, ToClient::pass},
    {Header::host, Says::host, ToBackend::never, ToClient::pass},
    {Header::connection, Says::options, ToBackend::never, ToClient::never},
    {Header::content_length, Says::length, ToBackend::never, ToClient::never},
    {Header::transfer_encoding, Says::coding, ToBackend::never, ToClient::never},
    {Header::te, Says::takes_trailers, ToBackend::never, ToClient::never},
    {Header::trailer, Says::nothing, ToBackend::with_trailers, ToClient::with_trailers},
    {Header::upgrade, Says::upgrade, ToBackend::never, ToClient::never},
    {Header::expect, Says::expectation, ToBackend::never, ToClient::pass},
    {Header::max_forwards, Says::hops_left, ToBackend::count_down, ToClient::pass},
    {Header::via, Says::nothing, ToBackend::always, ToClient::pass},
    {Header::date, Says::nothing, ToBackend::pass, ToClient::pass},
    {Header::cookie, Says::nothing, ToBackend::cookies, ToClient::pass},
    {Header::x_request_id, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::traceparent, Says::nothing, ToBackend::trace_parent, ToClient::pass},
    {Header::tracestate, Says::nothing, ToBackend::trace_state, ToClient::pass},
    {Header::keep_alive, Says::kept_time, ToBackend::never, ToClient::never},
    {Header::hop_by_hop, Says::nothing, ToBackend::never, ToClient::never},
    {Header::authorization, Says::login, ToBackend::credentials, ToClient::pass},
    {Header::authenticate, Says::login, ToBackend::pass, ToClient::pass},
    {Header::proxy, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::forwarded, Says::nothing, ToBackend::if_trusted, ToClient::pass},
    {Header::forwarded_for, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::forwarded_proto, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::forwarded_host, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::forwarded_port, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::ours, Says::nothing, ToBackend::never, ToClient::pass},
    {Header::sluice, Says::nothing, ToBackend::never, ToClient::never},
    {Header::alias, Says::nothing, ToBackend::never, ToClient::pass},
};

constexpr bool every_id_has_its_row() {
  std::size_t row = 0;
  for (const FieldTraits& traits : kTraits)
    if (traits.id != static_cast<Header>(row++)) return false;
  return row == static_cast<std::size_t>(Header::alias) + 1;
}
static_assert(every_id_has_its_row());

constexpr const FieldTraits& traits_of(Header id) { return kTraits[static_cast<std::size_t>(id)]; }

// Ids, a bit each: asked in a step what else is a look into a row of each field.
class HeaderSet {
 public:
  constexpr HeaderSet() = default;
  // Those whose traits `chosen` says yes to.
  template <class Choice>
  static constexpr HeaderSet of(Choice chosen) {
    HeaderSet set;
    for (const FieldTraits& traits : kTraits)
      if (chosen(traits)) set.add(traits.id);
    return set;
  }
  constexpr void add(Header id) { bits_ |= bit(id); }
  constexpr bool has(Header id) const { return (bits_ & bit(id)) != 0; }

 private:
  static_assert(std::size(kTraits) <= 32);
  static constexpr std::uint32_t bit(Header id) { return std::uint32_t{1} << static_cast<unsigned>(id); }
  std::uint32_t bits_ = 0;
};

namespace detail {
// Of the names that begin with a letter, by its five low bits: a bit for each of their sizes, modulo 32.
extern const std::array<std::uint32_t, 32> kNameSizes;
Header find_header(std::string_view name);
}  // namespace detail

// `name` must be a token (RFC 9110 5.6.2). Case-insensitive. Most names are of no interest, and few of those
// are as long as one that begins alike: they cost no comparison.
inline Header header_id(std::string_view name) {
  if (name.empty()) return Header::other;
  const std::uint32_t sizes = detail::kNameSizes[static_cast<unsigned char>(name[0]) & 31];
  return (sizes >> (name.size() & 31) & 1) == 0 ? Header::other : detail::find_header(name);
}

// Challenges or credentials among which are NTLM's or Negotiate's. These log in the connection that they are
// spoken on, not the request (RFC 4559 4).
bool logs_connection_in(std::string_view list);

// RFC 9110 6.5.1: framing, routing, authentication, request modifiers and content description have no place
// in trailers.
bool forbidden_in_trailers(std::string_view name);

}  // namespace sluice::http
