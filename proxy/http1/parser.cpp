#include "proxy/http1/parser.hpp"

#include <algorithm>
#include <limits>

#include "proxy/http/authority.hpp"
#include "proxy/http/expectation.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http1/llhttp_check.hpp"
#include "proxy/http1/start_line.hpp"

namespace sluice::http1 {
namespace {

constexpr Refusal kCoding{501, "coding"};
// A sound length below this is a few digits, of which there are not two readings: tests hold it against
// llhttp's.
constexpr std::uint64_t kPlainLength = 1'000'000'000;
constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();

// What the fields of a head say together about connection and framing, gathered in one pass.
struct FramingFields {
  int hosts = 0, lengths = 0, encodings = 0;
  std::size_t named = 0;  // fields that Connection names
  bool bad_length = false, bad_encoding = false;
  std::string_view host;
  std::uint64_t length = 0;
  std::uint64_t max_forwards = 1;
  bool close = false, keep_alive = false, connection_upgrade = false, connection_te = false;
  bool websocket = false, trailers = false;
  http::Expectation expect;
  bool login = false;  // NTLM or Negotiate is spoken
  std::uint32_t kept_seconds = kKeptUnsaid;
};

// RFC 9110 7.6.1. llhttp's own reading of Connection misses `close` before a tab.
void read_connection(std::string_view list, FramingFields& s) {
  while (!list.empty()) {
    const auto option = http::take_member(list);
    if (option.empty()) continue;
    if (http::iequals(option, "close"))
      s.close = true;
    else if (http::iequals(option, "keep-alive"))
      s.keep_alive = true;
    else if (http::iequals(option, "upgrade"))
      s.connection_upgrade = true;
    else if (http::iequals(option, "te"))
      s.connection_te = true;
    else
      ++s.named;
  }
}

// `timeout=5, max=100`, as Apache and Node write it (RFC 2068 19.7.1). What is not understood says nothing.
void read_keep_alive(std::string_view list, FramingFields& s) {
  constexpr std::uint32_t kMost = 1'000'000'000;
  while (!list.empty()) {
    const auto parameter = http::take_member(list);
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = http::trim(parameter.substr(0, equals));
    auto value = http::trim(parameter.substr(equals + 1));
    if (!value.empty() && value.front() == '"') value.remove_prefix(1);
    if (value.empty() || !http::is_digit(value.front())) continue;
    std::uint32_t number = 0;
    for (; !value.empty() && http::is_digit(value.front()) && number < kMost / 10; value.remove_prefix(1))
      number = number * 10 + static_cast<std::uint32_t>(value.front() - '0');
    if (http::iequals(name, "timeout")) s.kept_seconds = std::min(s.kept_seconds, number);
    if (http::iequals(name, "max") && number == 0) s.kept_seconds = 0;
  }
}

[[gnu::noinline]] void read_rare_field(const http::Field& field, FramingFields& s) {
  switch (http::traits_of(field.id).says) {
    case http::Says::nothing:
    case http::Says::host:
    case http::Says::length:
      return;
    case http::Says::coding:
      ++s.encodings;
      s.bad_encoding |= !http::iequals(field.value, "chunked");
      return;
    case http::Says::options:
      return read_connection(field.value, s);
    case http::Says::takes_trailers:
      s.trailers |= http::has_member(field.value, "trailers");
      return;
    case http::Says::upgrade:
      s.websocket |= http::has_member(field.value, "websocket");
      return;
    case http::Says::expectation:
      return s.expect.read(field.value);
    case http::Says::hops_left:
      http::parse_decimal(field.value, kMaxLength, s.max_forwards);
      return;
    case http::Says::login:
      s.login |= http::logs_connection_in(field.value);
      return;
    case http::Says::kept_time:
      return read_keep_alive(field.value, s);
  }
}

// What nearly every head has is read without a call.
void read_field(const http::Field& field, FramingFields& s) {
  const http::Says says = http::traits_of(field.id).says;
  if (says == http::Says::host) {
    ++s.hosts;
    s.host = field.value;
  } else if (says == http::Says::length) {
    ++s.lengths;
    s.bad_length |= !http::parse_decimal(field.value, kMaxLength, s.length);
  } else {
    read_rare_field(field, s);
  }
}

constexpr auto kSaying =
    http::HeaderSet::of([](const auto& traits) { return traits.says != http::Says::nothing; });

FramingFields read_fields(const http::Fields& fields) {
  FramingFields s;
  for (const http::Field& field : fields)
    if (kSaying.has(field.id)) read_field(field, s);
  return s;
}

// One framing or none: no list of lengths, no coding but chunked, never both, no coding in HTTP/1.0 (RFC
// 9112 6.1, 6.3).
// A second reader has to find the same, but for a length that leaves it no choice.
bool framing_is_sound(const FramingFields& s, Version version, HeadKind kind, const http::Fields& fields) {
  if (s.lengths == 0 && s.encodings == 0) return true;
  if (s.lengths > 1 || s.encodings > 1 || s.bad_length || s.bad_encoding) return false;
  if (s.encodings > 0 && (s.lengths > 0 || version != Version::http11)) return false;
  if (s.encodings == 0 && s.length < kPlainLength) return true;
  return llhttp_agrees(kind, fields, s.encodings > 0, s.length);
}

// Codings of which only the last is `chunked`: where the body ends could be told, what is in it not (RFC 9112
// 6.1).
bool is_unknown_coding(const FramingFields& s, const RequestHead& head) {
  if (s.encodings != 1 || s.lengths > 0 || head.version != Version::http11) return false;
  std::string_view list = head.fields.find(http::Header::transfer_encoding)->value;
  bool unknown = false, chunked = false;
  while (!list.empty()) {
    const auto coding = http::take_member(list);
    if (chunked || !http::is_token(coding)) return false;
    chunked = http::iequals(coding, "chunked");
    unknown = unknown || !chunked;
  }
  return chunked && unknown;
}

bool persists(const FramingFields& s, Version version) {
  return !s.close && (version == Version::http11 || s.keep_alive);
}

// RFC 9112 3.2: exactly one valid Host in 1.1, at most one in 1.0; an absolute-form target overrides a valid
// one.
bool take_host(const FramingFields& s, RequestHead& out) {
  if (s.hosts > 1 || (s.hosts == 0 && out.version == Version::http11)) return false;
  if (s.hosts == 1 && !http::is_authority(s.host)) return false;
  if (out.host.empty()) out.host = s.host;
  return true;
}

http::BodyLength body_length(Framing framing) {
  if (framing == Framing::none) return http::BodyLength::none;
  return framing == Framing::length ? http::BodyLength::known : http::BodyLength::unknown;
}

Refusal interpret_request(RequestHead& out) {
  const FramingFields s = read_fields(out.fields);
  const bool http11 = out.version == Version::http11;
  if (!take_host(s, out)) return kMalformed;
  if (!framing_is_sound(s, out.version, HeadKind::request, out.fields))
    return is_unknown_coding(s, out) ? kCoding : kMalformed;
  if (s.named > http::kMaxNamedFields) return http::kFieldsTooLarge;

  out.content_length = s.length;
  out.framing = s.encodings ? Framing::chunked : s.lengths ? Framing::length : Framing::none;
  out.body = body_length(out.framing);
  const bool has_body = s.encodings || s.length > 0;
  if (has_body && out.method == "TRACE") return kMalformed;  // RFC 9110 9.3.8
  if (http11 && s.expect.other) return http::kExpectation;   // RFC 9110 10.1.1

  out.keep_alive = persists(s, out.version);
  out.expect_continue = http11 && s.expect.go_on && has_body;
  const bool upgrades = http11 && s.connection_upgrade && s.websocket && !has_body && out.method == "GET";
  out.upgrade = upgrades ? std::string_view("websocket") : std::string_view{};
  out.te_trailers = http11 && s.trailers && s.connection_te;
  out.max_forwards_zero = s.max_forwards == 0 && (out.method == "OPTIONS" || out.method == "TRACE");
  out.names_fields = s.named > 0;
  out.login = s.login;
  return {};
}

// RFC 9112 6.3 for answers.
Framing framing_of_answer(const FramingFields& s, int status, bool request_was_head) {
  if (request_was_head || status < 200 || status == 204 || status == 304) return Framing::none;
  if (s.encodings) return Framing::chunked;
  return s.lengths ? Framing::length : Framing::until_close;
}

Refusal interpret_response(ResponseHead& out, bool request_was_head) {
  const FramingFields s = read_fields(out.fields);
  if (!framing_is_sound(s, out.version, HeadKind::response, out.fields)) return kMalformed;
  if (s.named > http::kMaxNamedFields) return http::kFieldsTooLarge;
  // An interim answer that speaks of a body may be followed by one: no way to tell (RFC 9110 8.6, RFC
  // 9112 6.1). A length of 0 says that none is; it is not to be there and goes no further.
  if (out.status < 200 && (s.length > 0 || s.encodings)) return kMalformed;

  out.framing = framing_of_answer(s, out.status, request_was_head);
  out.body = body_length(out.framing);
  out.content_length = s.length;
  out.has_content_length = s.lengths == 1;
  // A 204 that announces a body often sends one: what follows is not to be trusted.
  const bool dubious = out.status == 204 && (s.encodings || s.length > 0);
  out.keep_alive = persists(s, out.version) && out.framing != Framing::until_close && !dubious;
  out.upgrade = out.status == 101 && s.connection_upgrade && s.websocket;
  out.names_fields = s.named > 0;
  out.login = s.login;
  out.kept_seconds = s.kept_seconds;
  return {};
}

std::string_view start_line(const HeadScanner& scanner, std::string_view data) {
  return data.substr(scanner.line_begin(), scanner.line_size());
}
std::string_view field_lines(const HeadScanner& scanner, std::string_view data) {
  const auto begin = scanner.line_begin() + scanner.line_size() + 2;
  return data.substr(begin, scanner.head_size() - begin);
}

}  // namespace

Status RequestParser::parse(std::string_view data, RequestHead& out) {
  const auto verdict = scanner_.scan(data, out.fields);
  // The line comes before the verdict on what follows it, so that the answer does not depend on how much
  // arrived at once.
  if (scanner_.line_size() > 0) {
    refusal_ = parse_request_line(start_line(scanner_, data), out);
    if (!refusal_.reason && out.target.size() > max_target_) refusal_ = kTargetTooLong;
  }
  if (!refusal_.reason) refusal_ = scanner_.refusal();
  if (refusal_.reason) return Status::refused;
  if (verdict == HeadScanner::Verdict::more) return Status::more;

  if (!scanner_.fields_found()) split_fields(field_lines(scanner_, data), out.fields);
  refusal_ = interpret_request(out);
  out.size = scanner_.head_size();
  return refusal_.reason ? Status::refused : Status::done;
}

void RequestParser::reset() {
  scanner_.reset();
  refusal_ = {};
}

Status ResponseParser::parse(std::string_view data, ResponseHead& out, bool request_was_head) {
  const auto verdict = scanner_.scan(data, out.fields);
  if (scanner_.line_size() > 0) refusal_ = parse_status_line(start_line(scanner_, data), out);
  if (!refusal_.reason) refusal_ = scanner_.refusal();
  if (refusal_.reason) return Status::refused;
  if (verdict == HeadScanner::Verdict::more) return Status::more;

  if (!scanner_.fields_found()) split_fields(field_lines(scanner_, data), out.fields);
  refusal_ = interpret_response(out, request_was_head);
  out.size = scanner_.head_size();
  return refusal_.reason ? Status::refused : Status::done;
}

void ResponseParser::reset() {
  scanner_.reset();
  refusal_ = {};
}

}  // namespace sluice::http1
