#include "proxy/base/url.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice {
namespace {

constexpr std::string_view kHidden = "***";

bool is_blank_or_control(char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }

// Where the authority begins: behind "://", or at the front.
std::size_t behind_scheme(std::string_view text) {
  const auto mark = text.find("://");
  return mark == std::string_view::npos ? 0 : mark + 3;
}

// A password may hold '/', '?' and '#' when nobody has encoded them: then the last '@' ends it. A text that
// is a proper URL has its '@', if any, behind the authority.
std::string_view user_and_password(std::string_view text) {
  const auto begin = behind_scheme(text);
  const std::string_view rest = text.substr(begin);
  const auto slash = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, slash);
  const bool proper = authority.find('@') == std::string_view::npos &&
                      (parse_address(authority) || parse_address(std::string(authority) + ":80"));
  const auto at = rest.rfind('@');
  return proper || at == std::string_view::npos ? std::string_view() : rest.substr(0, at + 1);
}

bool named_like_a_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 8> kWords = {"pass", "pwd",  "token", "secret",
                                                      "key",  "auth", "sig",   "credential"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&lower](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string without_secret_values(std::string_view text) {
  const auto question = text.find('?');
  if (question == std::string_view::npos) return std::string(text);
  std::string out(text.substr(0, question + 1));
  std::string_view rest = text.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    const auto equal = pair.find('=');
    if (equal != std::string_view::npos && named_like_a_secret(pair.substr(0, equal)))
      out.append(pair.substr(0, equal + 1)).append(kHidden);
    else
      out.append(pair);
    if (end < rest.size()) out += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

ValueError wrong(std::string_view text, const std::string& why, std::string suggestion = {}) {
  return {quoted(shown_url(text)) + " is not a URL that can be asked: " + why, std::move(suggestion)};
}

// The same place by a scheme that is spoken here, if it can be asked at all.
std::string by_http(std::string_view rest) {
  const std::string url = "http://" + std::string(rest);
  return parse_url(url) ? url : std::string();
}

}  // namespace

Parsed<Url> parse_url(std::string_view text) {
  constexpr std::string_view kClear = "http://", kSecured = "https://";
  Url url;
  url.secured = text.starts_with(kSecured);
  if (const auto user = user_and_password(text); !user.empty()) {
    const auto begin = static_cast<std::size_t>(user.data() - text.data());
    const std::string without =
        std::string(text.substr(0, begin)) + std::string(text.substr(begin + user.size()));
    return wrong(text,
                 "a user and password in it would be shown wherever it is; put the password into a file and "
                 "write basic_auth: {user: USER, password_file: FILE} beside it",
                 parse_url(without) ? without : std::string());
  }
  if (std::any_of(text.begin(), text.end(), is_blank_or_control))
    return wrong(text, "it holds blanks or control characters, write %20 for a blank");
  if (!url.secured && !text.starts_with(kClear)) {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos)
      return wrong(text, "it has no scheme, write http:// or https:// before it", by_http(text));
    return wrong(text, "http:// and https:// are spoken here, not " + quoted(text.substr(0, scheme + 3)),
                 by_http(text.substr(scheme + 3)));
  }
  std::string_view rest = text.substr((url.secured ? kSecured : kClear).size());
  if (const auto fragment = rest.find('#'); fragment != std::string_view::npos)
    return wrong(text, "what follows a # is never sent to a server, leave it out",
                 std::string(text.substr(0, text.find('#'))));
  const auto slash = rest.find_first_of("/?");
  url.authority = rest.substr(0, slash);
  url.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (url.authority.empty()) return wrong(text, "it has no host, write one such as http://127.0.0.1:9090");
  const std::string port = url.secured ? ":443" : ":80";
  const bool plain = parse_address(url.authority + port).has_value();
  url.address = plain ? url.authority + port : url.authority;
  if (const auto address = parse_address(url.address); !address) return wrong(text, address.error().what, {});
  return url;
}

std::string shown_url(std::string_view text) {
  const auto user = user_and_password(text);
  if (user.empty()) return without_secret_values(text);
  const auto begin = static_cast<std::size_t>(user.data() - text.data());
  return std::string(text.substr(0, begin)) + std::string(kHidden) + "@" +
         without_secret_values(text.substr(begin + user.size()));
}

std::string shown_urls(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n'\"<>|();";
  std::string out;
  while (!text.empty()) {
    const auto begin = std::min(text.find_first_not_of(kAround), text.size());
    out.append(text.substr(0, begin));
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(kAround));
    out += word.find("://") == std::string_view::npos ? std::string(word) : shown_url(word);
    text.remove_prefix(word.size());
  }
  return out;
}

}  // namespace sluice
