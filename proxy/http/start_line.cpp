#include "proxy/http/start_line.hpp"

#include "proxy/http/authority.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

constexpr Refusal kBadLine{400, "malformed"};
constexpr Refusal kMethod{501, "method"};
constexpr Refusal kVersion{505, "version"};
constexpr std::size_t kMaxMethod = 32;  // longer than any registered one

// Upper case is part of a method's name: `get` is another method.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

// "HTTP/" DIGIT "." DIGIT, 1.0 or 1.1.
Refusal parse_version(std::string_view text, Version& out) {
  const bool well_formed = text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) &&
                           text[6] == '.' && is_digit(text[7]);
  if (!well_formed) return kBadLine;
  if (text[5] != '1' || text[7] > '1') return kVersion;
  out = text[7] == '1' ? Version::http11 : Version::http10;
  return {};
}

Refusal check_method(std::string_view method) {
  if (!is_token(method)) return kBadLine;
  // A gateway has no business opening tunnels to names the client chooses.
  if (method.size() > kMaxMethod || method == "CONNECT") return kMethod;
  return {};
}

}  // namespace

Refusal parse_request_line(std::string_view line, RequestHead& out) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return kBadLine;
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (out.target.find(' ') != std::string_view::npos) return kBadLine;
  if (auto why = parse_version(line.substr(last + 1), out.version); why.reason) return why;
  if (auto why = check_method(out.method); why.reason) return why;

  Target target;
  if (!split_target(out.target, out.method == "OPTIONS", target)) return kBadLine;
  out.path = target.path;
  out.query = target.query;
  out.host = target.authority;
  out.asterisk = target.asterisk;
  out.is_head = out.method == "HEAD";
  out.is_idempotent = is_idempotent(out.method);
  return {};
}

Refusal parse_status_line(std::string_view line, ResponseHead& out) {
  if (auto why = parse_version(line.substr(0, 8), out.version); why.reason) return why;
  const auto rest = line.substr(8);
  if (rest.size() < 4 || rest[0] != ' ' || (rest.size() > 4 && rest[4] != ' ')) return kBadLine;
  std::uint64_t status = 0;
  if (!parse_decimal(rest.substr(1, 3), 599, status) || status < 100) return kBadLine;
  out.status = static_cast<int>(status);
  out.reason = rest.size() > 5 ? rest.substr(5) : std::string_view{};
  return {};
}

}  // namespace sluice::http
