#include "proxy/http1/llhttp_check.hpp"

#include <llhttp.h>

#include <cstring>

static_assert(LLHTTP_STRICT_MODE == 1, "the loose state machine accepts request smuggling");

namespace sluice::http1 {
namespace {

// What llhttp understood of the fields that frame a message.
struct Reading {
  bool complete = false, chunked = false;
  std::uint64_t length = 0;
};

// What follows the fields is ours to read: llhttp would take a body after 204 and 304, and pause at any
// Upgrade.
int on_end_of_head(llhttp_t* parser) {
  auto& reading = *static_cast<Reading*>(parser->data);
  reading.complete = true;
  reading.chunked = (parser->flags & F_CHUNKED) != 0;
  reading.length = (parser->flags & F_CONTENT_LENGTH) != 0 ? parser->content_length : 0;
  return HPE_PAUSED;
}

const llhttp_settings_t& settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_headers_complete = on_end_of_head;
    return s;
  }();
  return kSettings;
}

// A parser that has read a start line. Ours were read before (start_line.cpp): llhttp knows too few methods,
// too many protocols and no limits of a target.
llhttp_t primed(llhttp_type_t type, std::string_view start_line) {
  llhttp_t parser;
  llhttp_init(&parser, type, &settings());
  llhttp_execute(&parser, start_line.data(), start_line.size());
  return parser;
}

const llhttp_t& primed(HeadKind kind) {
  static const llhttp_t kRequest = primed(HTTP_REQUEST, "GET / HTTP/1.1\r\n");
  static const llhttp_t kResponse = primed(HTTP_RESPONSE, "HTTP/1.1 200 OK\r\n");
  return kind == HeadKind::request ? kRequest : kResponse;
}

// The framing fields as lines of their own and an empty line: what llhttp is shown. Without the whitespace
// around a value: llhttp 8 refuses tabs there, which are legal (RFC 9110 5.6.3).
class FramingLines {
 public:
  // False when there is no room: no sound framing is that long.
  bool add(const http::Field& field) {
    const std::size_t size = field.name.size() + field.value.size() + 3;
    if (sizeof text_ - size_ < size + 2) return false;
    put(field.name);
    put(":");
    put(field.value);
    put("\r\n");
    return true;
  }
  std::string_view end() {
    put("\r\n");
    return {text_, size_};
  }

 private:
  void put(std::string_view part) {
    std::memcpy(text_ + size_, part.data(), part.size());
    size_ += part.size();
  }

  char text_[128];
  std::size_t size_ = 0;
};

}  // namespace

bool llhttp_agrees(HeadKind kind, const http::Fields& fields, bool chunked, std::uint64_t length) {
  FramingLines lines;
  for (const http::Field& field : fields) {
    if (field.id != http::Header::content_length && field.id != http::Header::transfer_encoding) continue;
    if (!lines.add(field)) return false;
  }
  const std::string_view text = lines.end();
  Reading reading;
  llhttp_t parser = primed(kind);
  parser.data = &reading;
  llhttp_execute(&parser, text.data(), text.size());
  return reading.complete && reading.chunked == chunked && reading.length == length;
}

}  // namespace sluice::http1
