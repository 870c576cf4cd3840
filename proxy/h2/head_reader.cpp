#include "proxy/h2/head_reader.hpp"

#include <limits>
#include <string_view>

#include "proxy/http/authority.hpp"
#include "proxy/http/expectation.hpp"
#include "proxy/http/grpc.hpp"
#include "proxy/http/method.hpp"
#include "proxy/http/reason.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();

struct PseudoFields {
  std::string_view authority, protocol;
};

constexpr std::string_view kContentType = "content-type";

// What the fields of a head say together.
struct Sayings {
  int hosts = 0;
  std::string_view host;
  std::uint64_t max_forwards = 1;
  http::Expectation expect;
  bool has_length = false;
  std::uint64_t length = 0;
  bool trailers = false;
  bool login = false;
};

void take_field(const http::Field& field, Sayings& s) {
  switch (http::traits_of(field.id).says) {
    case http::Says::host:
      ++s.hosts;
      s.host = field.value;
      return;
    case http::Says::length:
      s.has_length = http::parse_decimal(field.value, kMaxNumber, s.length);
      return;
    case http::Says::takes_trailers:
      s.trailers = true;
      return;
    case http::Says::expectation:
      return s.expect.read(field.value);
    case http::Says::hops_left:
      http::parse_decimal(field.value, kMaxNumber, s.max_forwards);
      return;
    case http::Says::login:
      s.login |= http::logs_connection_in(field.value);
      return;
    case http::Says::nothing:
    case http::Says::coding:
    case http::Says::options:
    case http::Says::upgrade:
    case http::Says::kept_time:
      return;
  }
}

// The pseudo fields' values; the others into `out.fields`. Returns what the first Content-Type says.
std::string_view split_block(const FieldBlock& block, PseudoFields& pseudo, Sayings& s,
                             http::RequestHead& out) {
  std::string_view type;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const http::Field field = block[i];
    switch (block.form(i).pseudo) {
      case hpack::Pseudo::none:
        if (field.id != http::Header::other)
          take_field(field, s);
        else if (field.name.size() == kContentType.size() && !type.data() && field.name == kContentType)
          type = field.value;
        if (out.fields.size() < http::kMaxFields) out.fields.push(field);
        break;
      case hpack::Pseudo::method:
        out.method = field.value;
        break;
      case hpack::Pseudo::path:
        out.target = field.value;
        break;
      case hpack::Pseudo::authority:
        pseudo.authority = field.value;
        break;
      case hpack::Pseudo::protocol:
        pseudo.protocol = field.value;
        break;
      case hpack::Pseudo::scheme:
      case hpack::Pseudo::status:
      case hpack::Pseudo::unknown:
        break;
    }
  }
  return type;
}

// RFC 9113 8.3.1: Host may stand beside :authority when it says the same, and alone.
bool take_authority(const PseudoFields& pseudo, const Sayings& s, http::RequestHead& out) {
  if (s.hosts > 1) return false;
  out.host = pseudo.authority.data() ? pseudo.authority : s.host;
  if (s.hosts == 1 && !http::iequals(s.host, out.host)) return false;
  return http::is_authority(out.host);
}

http::Refusal take_method(const PseudoFields& pseudo, http::RequestHead& out) {
  if (out.method == "CONNECT" && http::iequals(pseudo.protocol, "websocket")) {
    out.method = "GET";
    out.upgrade = "websocket";
  }
  out.is_head = out.method == "HEAD";
  out.is_idempotent = http::is_idempotent(out.method);
  return http::check_method(out.method);
}

// A length of 0 is believed with the end only: to an HTTP/1 backend such a head is a whole message already,
// which data behind it would still belie.
void take_length(const Sayings& s, bool end, http::RequestHead& out) {
  if (!out.upgrade.empty()) return;  // a tunnel follows
  out.content_length = s.length;
  if (s.has_length && (end || s.length > 0))
    out.body = http::BodyLength::known;
  else if (!end)
    out.body = http::BodyLength::unknown;
}

bool take_target(http::RequestHead& out) {
  http::Target parts;
  if (!http::split_target(out.target, out.method == "OPTIONS", parts)) return false;
  out.path = parts.path;
  out.query = parts.query;
  out.asterisk = parts.asterisk;
  return true;
}

}  // namespace

http::Refusal read_request(FieldBlock& block, bool end, std::uint32_t max_target, http::RequestHead& out) {
  block.join_cookies();
  out = {};
  out.over_http2 = true;
  PseudoFields pseudo;
  Sayings s;
  const std::string_view type = split_block(block, pseudo, s, out);
  if (auto why = take_method(pseudo, out); why.reason) return block.too_large() ? http::kFieldsTooLarge : why;
  const bool has_target = take_target(out);
  if (out.target.size() > max_target) return http::kTargetTooLong;
  if (block.too_large()) return http::kFieldsTooLarge;
  if (!has_target || !take_authority(pseudo, s, out)) return http::kMalformed;
  if (s.hosts == 0) {
    if (out.fields.size() == http::kMaxFields) return http::kFieldsTooLarge;
    out.fields.push({"host", out.host, http::Header::host});
  }

  take_length(s, end, out);
  const bool has_body = out.body == http::BodyLength::unknown || out.content_length > 0;
  if (has_body && out.method == "TRACE") return http::kMalformed;  // RFC 9110 9.3.8
  if (s.expect.other) return http::kExpectation;
  out.expect_continue = s.expect.go_on && has_body;
  out.te_trailers = s.trailers;
  out.is_grpc = out.method == "POST" && http::is_grpc(type);
  out.max_forwards_zero = s.max_forwards == 0 && (out.method == "OPTIONS" || out.method == "TRACE");
  out.login = s.login;
  return {};
}

void read_answer(const FieldBlock& block, bool end, bool request_was_head, http::ResponseHead& out) {
  out = {};
  out.over_http2 = true;
  Sayings s;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const http::Field field = block[i];
    std::uint64_t status = 0;
    if (block.form(i).pseudo != hpack::Pseudo::none) {
      http::parse_decimal(field.value, 599, status);
      out.status = static_cast<int>(status);
    } else {
      if (field.id != http::Header::other) take_field(field, s);
      if (out.fields.size() < http::kMaxFields) out.fields.push(field);
    }
  }
  out.reason = http::reason_phrase(out.status);
  out.login = s.login;
  out.content_length = s.length;
  out.has_content_length = s.has_length;
  if (request_was_head || out.status < 200 || out.status == 204 || out.status == 304) return;
  // Trailers may follow a length of 0: such an answer is not whole yet.
  const bool known = end || (s.has_length && s.length > 0);
  out.body = known ? http::BodyLength::known : http::BodyLength::unknown;
  out.has_content_length = s.has_length && known;
}

void read_trailers(const FieldBlock& block, std::vector<http::Field>& out) {
  out.clear();
  for (std::size_t i = 0; i < block.size(); ++i)
    if (!http::forbidden_in_trailers(block[i].name)) out.push_back(block[i]);
}

}  // namespace sluice::h2
