#include "proxy/http/authority.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "proxy/http/runs.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

bool is_hex(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }

// unreserved and sub-delims of RFC 3986, the reg-name of 3.2.2 but for its escapes.
constexpr auto kNameChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = detail::is_alnum(static_cast<unsigned char>(c));
  for (char c : std::string_view("-._~!$&'()*+;=")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_name_char(char c) { return kNameChars[static_cast<unsigned char>(c)]; }

// How many bytes of `text` are a name.
std::size_t name_size(std::string_view text) {
  const char* const begin = text.data();
  auto size = static_cast<std::size_t>(skip_short<HostBytes>(begin, begin + text.size()) - begin);
  for (;;) {
    while (size < text.size() && is_name_char(text[size])) ++size;
    const bool encoded =
        text.size() - size > 2 && text[size] == '%' && is_hex(text[size + 1]) && is_hex(text[size + 2]);
    if (!encoded) return size;
    size += 3;
  }
}

[[gnu::noinline]] bool is_ipv6(std::string_view address) {
  char text[INET6_ADDRSTRLEN];
  if (address.size() >= sizeof text) return false;
  std::memcpy(text, address.data(), address.size());
  text[address.size()] = '\0';
  in6_addr parsed;
  return inet_pton(AF_INET6, text, &parsed) == 1;
}

// The port may be empty (RFC 3986 3.2.3).
bool is_port(std::string_view port) {
  std::uint64_t number;
  return port.empty() || parse_decimal(port, 65535, number);
}

bool starts_with_scheme(std::string_view target, std::string_view scheme) {
  return target.size() >= scheme.size() && iequals(target.substr(0, scheme.size()), scheme);
}

void split_path(std::string_view text, Target& out) {
  const auto mark = text.find('?');
  out.path = text.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
}

bool split_absolute(std::string_view target, bool is_options, Target& out) {
  std::size_t scheme = 0;
  if (starts_with_scheme(target, "http://")) scheme = 7;
  if (starts_with_scheme(target, "https://")) scheme = 8;
  if (scheme == 0) return false;
  const auto rest = target.substr(scheme);
  const auto end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  if (!is_authority(out.authority)) return false;
  split_path(end == std::string_view::npos ? std::string_view{} : rest.substr(end), out);
  if (out.path.empty()) {
    out.asterisk =
        is_options && end == std::string_view::npos;  // RFC 9112 3.2.4: the last proxy makes it `*`
    out.path = out.asterisk ? "*" : "/";
  }
  return true;
}

}  // namespace

bool is_authority(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const std::size_t size = name_size(text);
  if (size == 0) return false;
  return size == text.size() || (text[size] == ':' && is_port(text.substr(size + 1)));
}

bool split_target(std::string_view target, bool is_options, Target& out) {
  out = {};
  if (target.empty()) return false;
  const char* const begin = target.data();
  const char* const end = begin + target.size();
  const char* const mark = skip_short<PathBytes>(begin, end);
  if (mark != end && (*mark != '?' || skip_short<TargetBytes>(mark, end) != end)) return false;
  if (*begin == '/') {
    out.path = {begin, static_cast<std::size_t>(mark - begin)};
    if (mark != end) out.query = target.substr(out.path.size() + 1);
    return true;
  }
  if (target == "*") {
    out.path = target;
    out.asterisk = true;
    return is_options;
  }
  return split_absolute(target, is_options, out);
}

}  // namespace sluice::http
