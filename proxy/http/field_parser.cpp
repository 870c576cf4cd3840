#include "proxy/http/field_parser.hpp"

#include <llhttp.h>

#include <algorithm>

#include "proxy/http/head_check.hpp"
#include "proxy/http/text.hpp"

static_assert(LLHTTP_STRICT_MODE == 1, "the loose state machine accepts request smuggling");

namespace sluice::http {
namespace {

// llhttp's callbacks give spans of what it was fed, which may be a copy of `original`.
struct Sink {
  const char* fed;
  const char* original;
  Fields* fields;

  std::string_view view(const char* at, std::size_t size) const { return {original + (at - fed), size}; }
};

int on_name(llhttp_t* parser, const char* at, std::size_t size) {
  auto& sink = *static_cast<Sink*>(parser->data);
  sink.fields->push(sink.view(at, size));
  return HPE_OK;
}

int on_value(llhttp_t* parser, const char* at, std::size_t size) {
  auto& sink = *static_cast<Sink*>(parser->data);
  sink.fields->back().value = trim(sink.view(at, size));
  return HPE_OK;
}

// What follows the fields is ours to read: llhttp would take a body after 204 and 304, and pause at any
// Upgrade.
int on_end_of_head(llhttp_t*) { return HPE_PAUSED; }

const llhttp_settings_t& settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_header_field = on_name;
    s.on_header_value = on_value;
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

bool run(llhttp_t parser, std::string_view fed, const char* original, Fields& out) {
  out.clear();
  Sink sink{fed.data(), original, &out};
  parser.data = &sink;
  return llhttp_execute(&parser, fed.data(), fed.size()) == HPE_PAUSED;
}

// llhttp 8 refuses tabs around a Content-Length and after `chunked`, which are legal whitespace (RFC
// 9110 5.6.3): it is shown spaces instead. The fields still point at what was received.
bool run_without_tabs(const llhttp_t& parser, std::string_view lines, Fields& out) {
  char copy[kMaxHead];
  std::replace_copy(lines.begin(), lines.end(), copy, '\t', ' ');
  return run(parser, {copy, lines.size()}, lines.data(), out);
}

bool parse(const llhttp_t& parser, std::string_view lines, bool has_tab, Fields& out) {
  return has_tab ? run_without_tabs(parser, lines, out) : run(parser, lines, lines.data(), out);
}

}  // namespace

bool parse_request_fields(std::string_view lines, bool has_tab, Fields& out) {
  static const llhttp_t kParser = primed(HTTP_REQUEST, "GET / HTTP/1.1\r\n");
  return parse(kParser, lines, has_tab, out);
}

bool parse_response_fields(std::string_view lines, bool has_tab, Fields& out) {
  static const llhttp_t kParser = primed(HTTP_RESPONSE, "HTTP/1.1 200 OK\r\n");
  return parse(kParser, lines, has_tab, out);
}

}  // namespace sluice::http
