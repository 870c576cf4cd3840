// What a parsed head holds. Every view points into the bytes that were parsed (or at a literal): a head is
// void as soon as the buffer behind it moves or is consumed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>

#include "proxy/http/names.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {

constexpr std::size_t kMaxFields = 100;  // as in Envoy and Apache; more is 431
constexpr std::size_t kMaxNamedFields =
    16;  // fields that Connection may name: each is looked for among all others

struct Field {
  std::string_view name, value;  // value without the whitespace around it
  Header id = Header::other;
};

// Up to kMaxFields of them. The room is not initialised: clearing 4 KB for every head would show in the cost
// of a request.
class Fields {
 public:
  Fields() = default;
  Fields(const Fields& other) { *this = other; }
  Fields& operator=(const Fields& other) {
    size_ = other.size_;
    std::copy(other.begin(), other.end(), data());
    return *this;
  }

  const Field* begin() const { return std::launder(reinterpret_cast<const Field*>(room_)); }
  const Field* end() const { return begin() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  // The first field of that name (any case), or null.
  const Field* find(std::string_view name) const;
  const Field* find(Header id) const;

  // Requires: size() < kMaxFields (the head scanner refuses longer heads).
  void push(std::string_view name, std::string_view value) {
    new (data() + size_++) Field{name, trim(value), header_id(name)};
  }

 private:
  static_assert(std::is_trivially_copyable_v<Field> && std::is_trivially_destructible_v<Field>);
  Field* data() { return std::launder(reinterpret_cast<Field*>(room_)); }

  std::size_t size_ = 0;
  alignas(Field) std::byte room_[kMaxFields * sizeof(Field)];
};

enum class Version : std::uint8_t { http10, http11 };
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;    // of the target, without the query; "*" when `asterisk`
  std::string_view query;   // without the '?'
  std::string_view
      host;  // the authority to forward: that of an absolute-form target, else Host; empty only in HTTP/1.0
  Version version = Version::http11;
  Framing framing = Framing::none;   // never until_close
  std::uint64_t content_length = 0;  // of Framing::length
  bool keep_alive = false;           // the client lets the connection live on
  bool expect_continue = false;  // waits for a 100; only set when a body follows and the client speaks 1.1
  std::string_view upgrade;      // "websocket" for a proper WebSocket upgrade (GET, 1.1, no body), else empty
  bool te_trailers = false;      // the client takes trailers
  bool is_head = false;
  bool is_idempotent = false;  // GET HEAD OPTIONS PUT DELETE TRACE (R1)
  bool asterisk = false;       // OPTIONS for the server as a whole
  bool max_forwards_zero =
      false;  // OPTIONS or TRACE with Max-Forwards: 0: to be answered here, not forwarded (RFC 9110 7.6.2)
  bool names_fields = false;  // Connection names fields that go no further
  bool login = false;         // NTLM or Negotiate: it logs in the connection that it goes over (R4)
  Fields fields;
  std::size_t size = 0;  // bytes of the head, the final CRLF and a leading empty line included
};

constexpr std::uint32_t kKeptUnsaid = UINT32_MAX;

struct ResponseHead {
  int status = 0;  // 100 to 599
  std::string_view reason;
  Version version = Version::http11;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // when has_content_length
  bool has_content_length = false;   // also for HEAD and 304, which keep the field without a body
  bool keep_alive = false;           // the backend lets the connection live on
  bool upgrade = false;              // 101 that switches to websocket; any other 101 is not to be followed
  bool names_fields = false;
  bool login = false;  // it asks for NTLM or Negotiate, or goes on with it (R4)
  // Keep-Alive: for so many seconds the backend keeps the connection that nobody uses.
  std::uint32_t kept_seconds = kKeptUnsaid;
  Fields fields;
  std::size_t size = 0;
};

}  // namespace sluice::http
