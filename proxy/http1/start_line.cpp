#include "proxy/http1/start_line.hpp"

#include <algorithm>

#include "proxy/http/authority.hpp"
#include "proxy/http/method.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http1 {
namespace {

constexpr Refusal kVersion{505, "version"};
// "HTTP/" DIGIT "." DIGIT, 1.0 or 1.1.
Refusal parse_version(std::string_view text, Version& out) {
  if (text == "HTTP/1.1") {
    out = Version::http11;
    return {};
  }
  const bool well_formed = text.size() == 8 && text.substr(0, 5) == "HTTP/" && http::is_digit(text[5]) &&
                           text[6] == '.' && http::is_digit(text[7]);
  if (!well_formed) return kMalformed;
  if (text[5] != '1' || text[7] > '1') return kVersion;
  out = text[7] == '1' ? Version::http11 : Version::http10;
  return {};
}

// Where the first space is: few bytes on, in most lines.
std::size_t end_of_method(std::string_view line) {
  for (std::size_t i = 0; i < std::min<std::size_t>(line.size(), http::kMaxMethod); ++i)
    if (line[i] == ' ') return i;
  return line.find(' ');
}

}  // namespace

Refusal parse_request_line(std::string_view line, RequestHead& out) {
  // Three words, of which the last has as many bytes as a version: with fewer or more it is none.
  constexpr std::size_t kVersionSize = 8;
  const auto first = end_of_method(line);
  if (first == std::string_view::npos || line.size() < first + 2 + kVersionSize) return kMalformed;
  const std::size_t last = line.size() - kVersionSize - 1;
  if (line[last] != ' ') return kMalformed;
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  Refusal why = parse_version(line.substr(last + 1), out.version);
  if (!why.reason) why = http::check_method(out.method);
  // A line of more than three words is malformed, whatever else it is.
  if (why.reason) return out.target.find(' ') == std::string_view::npos ? why : kMalformed;

  http::Target target;
  if (!http::split_target(out.target, out.method == "OPTIONS", target)) return kMalformed;
  out.path = target.path;
  out.query = target.query;
  out.host = target.authority;
  out.asterisk = target.asterisk;
  out.is_head = out.method == "HEAD";
  out.is_idempotent = http::is_idempotent(out.method);
  return {};
}

Refusal parse_status_line(std::string_view line, ResponseHead& out) {
  if (auto why = parse_version(line.substr(0, 8), out.version); why.reason) return why;
  const auto rest = line.substr(8);
  if (rest.size() < 4 || rest[0] != ' ' || (rest.size() > 4 && rest[4] != ' ')) return kMalformed;
  std::uint64_t status = 0;
  if (!http::parse_decimal(rest.substr(1, 3), 599, status) || status < 100) return kMalformed;
  out.status = static_cast<int>(status);
  out.reason = rest.size() > 5 ? rest.substr(5) : std::string_view{};
  return {};
}

Glance glance(std::string_view bytes) {
  Glance seen;
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  const auto end = bytes.find_first_of("\r\n");
  const std::string_view line = bytes.substr(0, end);
  const auto first = line.find(' ');
  if (first == std::string_view::npos || first > http::kMaxMethod || !http::is_token(line.substr(0, first)))
    return seen;
  seen.method = line.substr(0, first);
  const std::string_view rest = line.substr(first + 1);
  const auto second = rest.find(' ');
  const std::string_view target = rest.substr(0, second);
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (std::all_of(target.begin(), target.end(), is_visible)) {
    http::Target parts;
    if (http::split_target(target, seen.method == "OPTIONS", parts)) {
      seen.path = parts.path, seen.query = parts.query;
    } else {
      const auto mark = target.find('?');
      seen.path = target.substr(0, mark);
      if (mark != std::string_view::npos) seen.query = target.substr(mark + 1);
    }
  }
  if (second == std::string_view::npos || end == std::string_view::npos) return seen;
  Version version{};
  const std::string_view protocol = rest.substr(rest.rfind(' ') + 1);
  if (parse_version(protocol, version).status != kMalformed.status) seen.protocol = protocol;
  return seen;
}

}  // namespace sluice::http1
