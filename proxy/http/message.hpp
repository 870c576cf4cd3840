// What a head means, whatever wire it came over. Every view points into the bytes that were parsed (or at a
// literal): a head is void as soon as the buffer behind it moves or is consumed. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>

#include "proxy/base/frames.hpp"
#include "proxy/http/names.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {

constexpr std::size_t kMaxFields = 100;  // as in Envoy and Apache; more is 431
// Fields that Connection may name: each is looked for among all others.
constexpr std::size_t kMaxNamedFields = 16;

struct Field {
  std::string_view name, value;  // value without the whitespace around it
  Header id = Header::other;
  // In memory it is a line as a writer prints it: `name: value`, and CRLF behind.
  bool is_line = false;
  // As HTTP/2 has it: the name in lower case, and the value right behind it in memory.
  bool is_joined = false;
  bool never_indexed = false;  // it goes on as it came: out of HPACK's tables (RFC 7541 6.2.3)
};

// Up to kMaxFields of them. A few lie within, so that a head is small; more in memory from the thread's lists
// of frames, which it keeps for the next head. No room is initialised.
class Fields {
 public:
  Fields() : data_(inside()) {}
  Fields(const Fields& other) : Fields() { *this = other; }
  ~Fields() {
    if (data_ != inside()) free_frame(data_, capacity_ * sizeof(Field));
  }
  Fields& operator=(const Fields& other) {
    if (this == &other) return *this;
    size_ = 0;
    while (capacity_ < other.size_) grow();
    std::copy(other.begin(), other.end(), data_);
    size_ = other.size_;
    seen_ = other.seen_;
    return *this;
  }

  const Field* begin() const { return data_; }
  const Field* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() {
    size_ = 0;
    seen_ = {};
  }
  // The ids of those that are there.
  HeaderSet ids() const { return seen_; }

  // The first field of that name (any case), or null.
  const Field* find(std::string_view name) const;
  const Field* find(Header id) const;

  // Requires of all: size() < kMaxFields (the head scanner refuses longer heads). All but the last make the
  // field in its place: by way of that one, a head of eight fields costs 50 instructions more.
  void push(std::string_view name, std::string_view value) {
    if (size_ == capacity_) grow();
    const Header id = header_id(name);
    new (data_ + size_++) Field{name, trim(value), id};
    seen_.add(id);
  }
  // A line of HTTP/1: `name:text`, and CRLF behind. Requires: ':' stands at `colon`, CRLF at `stop`.
  [[gnu::always_inline]] void push_line(const char* line, const char* colon, const char* stop) {
    if (size_ == capacity_) grow();
    const std::string_view name(line, static_cast<std::size_t>(colon - line));
    const std::string_view text(colon + 1, static_cast<std::size_t>(stop - colon - 1));
    const bool is_line = text.size() > 1 && text[0] == ' ' && !is_blank(text[1]) && !is_blank(text.back());
    const Header id = header_id(name);
    new (data_ + size_++)
        Field{name, is_line ? std::string_view(colon + 2, text.size() - 1) : trim(text), id, is_line};
    seen_.add(id);
  }
  void push(const Field& field) {
    if (size_ == capacity_) grow();
    new (data_ + size_++) Field(field);
    seen_.add(field.id);
  }

 private:
  static constexpr std::uint32_t kInside = 6;
  static_assert(std::is_trivially_copyable_v<Field> && std::is_trivially_destructible_v<Field>);

  Field* inside() { return std::launder(reinterpret_cast<Field*>(room_)); }
  void grow();

  Field* data_;
  std::uint32_t size_ = 0, capacity_ = kInside;
  HeaderSet seen_;
  alignas(Field) std::byte room_[kInside * sizeof(Field)];
};

// How long the body behind a head is, however the wire says so.
enum class BodyLength : std::uint8_t {
  none,
  known,    // content_length; also 0
  unknown,  // until its end comes
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;    // of the target, without the query; "*" when `asterisk`
  std::string_view query;   // without the '?'
  // The authority to forward: that of an absolute-form target, else Host; empty only in HTTP/1.0.
  std::string_view host;
  std::string_view upgrade;  // "websocket" for a proper WebSocket upgrade (GET, 1.1, no body), else empty
  std::uint64_t content_length = 0;  // of BodyLength::known
  BodyLength body = BodyLength::none;
  bool expect_continue = false;  // the client waits for a 100; only set when a body follows
  bool over_http2 = false;       // it came so
  bool is_grpc = false;          // a gRPC call, which HTTP/1 does not carry
  bool te_trailers = false;      // the client takes trailers
  bool is_head = false;
  bool is_idempotent = false;  // GET HEAD OPTIONS PUT DELETE TRACE (R1)
  bool asterisk = false;       // OPTIONS for the server as a whole
  // OPTIONS or TRACE with Max-Forwards: 0: to be answered here, not forwarded (RFC 9110 7.6.2).
  bool max_forwards_zero = false;
  bool names_fields = false;  // Connection names fields that go no further
  bool login = false;         // NTLM or Negotiate: it logs in the connection that it goes over (R4)
  Fields fields;
};

struct ResponseHead {
  int status = 0;  // 100 to 599
  std::string_view reason;
  BodyLength body = BodyLength::none;
  std::uint64_t content_length = 0;  // when has_content_length
  bool has_content_length = false;   // also for HEAD and 304, which keep the field without a body
  bool over_http2 = false;           // it came so
  bool upgrade = false;              // 101 that switches to websocket; any other 101 is not to be followed
  bool names_fields = false;
  bool login = false;  // the backend asks for NTLM or Negotiate, or goes on with it (R4)
  Fields fields;
};

}  // namespace sluice::http
