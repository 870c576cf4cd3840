#include "proxy/config/syntax.hpp"

#include <algorithm>

#include "proxy/base/log_format.hpp"
#include "proxy/base/network.hpp"
#include "proxy/base/origin.hpp"
#include "proxy/base/url.hpp"
#include "proxy/tls/names.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kSecretTarget = "/***";  // of a URL that is shown without its secret

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || one_of(c, "!#$%&'*+-.^_`|~");
  });
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

ValueError wrong(std::string_view text, std::string_view why, std::string suggestion = {}) {
  return {quoted(text) + " is not " + std::string(why), std::move(suggestion)};
}

}  // namespace

Invalid name_error(std::string_view text) {
  constexpr std::size_t kLongest = 255;  // a backend's name may be its address, a host name and a port
  const bool begins_well = !text.empty() && (is_alphanumeric(text[0]) || one_of(text[0], "_["));
  const bool goes_on_well = std::all_of(text.begin(), text.end(),
                                        [](char c) { return is_alphanumeric(c) || one_of(c, "._-:@+[]"); });
  if (begins_well && goes_on_well && text.size() <= kLongest) return std::nullopt;
  return wrong(
      text,
      "a name, it begins with a letter, a digit or _ and goes on with those and . - : @ + [ ], at most "
      "255 in all");
}

Invalid backend_name_error(std::string_view text) {
  return is_unix(text) && parse_origin(text) ? std::nullopt : name_error(text);
}

Invalid token_error(std::string_view text, std::string_view kind) {
  if (is_token(text)) return std::nullopt;
  return wrong(text,
               std::string(kind) + ", it holds letters, digits and any of !#$%&'*+-.^_`|~ and nothing else");
}

Invalid cookie_name_error(std::string_view text) { return token_error(text, "a cookie name"); }

Invalid method_error(std::string_view text) {
  if (!is_token(text)) return token_error(text, "a method");
  if (upper(text) == text) return std::nullopt;
  return wrong(text, "a method, methods are written in upper case", upper(text));
}

Invalid host_pattern_error(std::string_view text) {
  constexpr char kForm[] =
      "a host, write a name such as api.example.com, or *.example.com for everything below it";
  if (text.starts_with('[')) {
    if (text.ends_with(']') && parse_address(std::string(text) + ":0", 0)) return std::nullopt;
    return wrong(text, kForm);
  }
  if (text.find(':') != text.npos)
    if (const auto address = parse_address(text, 0))
      return wrong(text, "a host, leave the port out", address->host);
  const bool wildcard = text.starts_with("*.");
  const std::string_view name = wildcard ? text.substr(2) : text;
  if (parse_address(std::string(name) + ":0", 0)) return std::nullopt;
  if (text == "*") return wrong(text, "a host, leave the key out to match every host");
  return wrong(text, kForm);
}

Invalid path_error(std::string_view text) {
  if (!text.starts_with('/')) return wrong(text, "a path, a path begins with /", "/" + std::string(text));
  const bool clean =
      std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) || one_of(c, " ?#"); });
  if (clean) return std::nullopt;
  return wrong(text, "a path, it holds no blank, no query (?) and no fragment (#)");
}

Invalid target_error(std::string_view text) {
  const auto query = text.find('?');
  if (const Invalid in_path = path_error(text.substr(0, query))) return in_path;
  if (query == std::string_view::npos || !path_error("/" + std::string(text.substr(query + 1))))
    return std::nullopt;
  return wrong(text, "a path with a query, a query holds no blank, no second ? and no fragment (#)");
}

Invalid host_header_error(std::string_view text) {
  if (parse_address(text, 0) || parse_address(std::string(text) + ":0", 0)) return std::nullopt;
  return wrong(text,
               "a Host header, write a host and perhaps its port, such as api.example.com or localhost:8080");
}

Invalid field_value_error(std::string_view text) {
  const bool clean =
      std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
  const bool padded = !text.empty() && (one_of(text.front(), " \t") || one_of(text.back(), " \t"));
  if (clean && !padded) return std::nullopt;
  return wrong(text, "a header value, it holds no control characters and no blanks around it");
}

Invalid cookie_domain_error(std::string_view text) {
  constexpr char kForm[] =
      "a cookie's domain, write a name such as example.com; it holds for the names below it too";
  const std::string_view name = text.starts_with('.') ? text.substr(1) : text;
  if (name.starts_with('*') || name.starts_with('[') || parse_address(text, 0)) return wrong(text, kForm);
  if (name.empty() || host_pattern_error(name)) return wrong(text, kForm);
  if (text.starts_with('.')) return wrong(text, kForm, std::string(name));
  return std::nullopt;
}

Invalid cookie_path_error(std::string_view text) {
  if (const Invalid in_path = path_error(text)) return in_path;
  if (text.find(';') == std::string_view::npos) return std::nullopt;
  return wrong(text, "a cookie's path, it holds no semicolon");
}

Invalid socket_path_error(std::string_view text) {
  constexpr std::size_t kLongest = 107;  // sun_path of unix(7) without its final zero
  if (text.size() <= kLongest) return std::nullopt;
  return ValueError{quoted(text) + " is too long for a unix socket, at most 107 bytes", ""};
}

Invalid log_format_error(std::string_view text) {
  const auto parsed = parse_log_format(text);
  return parsed ? std::nullopt : Invalid(parsed.error());
}

Invalid user_error(std::string_view text) {
  const bool clean = std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ':'; });
  if (clean) return std::nullopt;
  // Not quoted: behind a colon a password may stand.
  return ValueError{"a user holds no colon and no control characters; the password stands in password_file",
                    ""};
}

Invalid url_error(std::string_view text) {
  const auto url = parse_url(text);
  return url ? Invalid() : Invalid(url.error());
}

Invalid domain_error(std::string_view text) {
  constexpr std::size_t kLongestName = 253, kLongestLabel = 63;  // RFC 1035 2.3.4
  if (text.starts_with("*."))
    return wrong(
        text,
        "a domain that can be proved here: a wildcard needs DNS-01, which Sluice does not do; name each "
        "host, or bring the certificate under 'certificates'");
  if (const auto address = parse_address(text.find(':') == text.npos ? std::string(text) + ":1"
                                                                     : "[" + std::string(text) + "]:1");
      address && parse_network(address->host))
    return wrong(text, "a domain, an address is no name that a certificate is ordered for");
  const std::string name = tls::lower(text);
  bool good = !name.empty() && name.size() <= kLongestName;
  for (std::size_t at = 0; good && at <= name.size();) {
    const std::string_view label = std::string_view(name).substr(at, name.find('.', at) - at);
    good = !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
    at += label.size() + 1;
  }
  if (!good) return wrong(text, "a domain, write a host name such as www.example.com");
  if (name != text) return wrong(text, "a domain, names of certificates are written in lower case", name);
  return std::nullopt;
}

Invalid acme_directory_error(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) {
    ValueError error = url.error();  // which guesses http where no scheme is written
    if (error.suggestion.starts_with("http://")) error.suggestion.insert(4, "s");
    return error;
  }
  const auto address = parse_address(url->address);
  const auto here = address ? parse_network(address->host) : Parsed<Network>(ValueError());
  const bool local = address && (tls::lower(address->host) == "localhost" ||
                                 (here && (address->host.starts_with("127.") || address->host == "::1")));
  if (url->secured || local) return std::nullopt;
  return wrong(shown_url(text), "the directory of an ACME server, it begins with https://",
               "https://" + shown_url(text).substr(7));
}

Invalid email_error(std::string_view text) {
  if (text.starts_with("mailto:"))
    return wrong(text, "an e-mail address, leave mailto: out", std::string(text.substr(7)));
  const auto at = text.find('@');
  const bool good = at != text.npos && at > 0 && at + 1 < text.size() &&
                    text.find('@', at + 1) == text.npos &&
                    std::ranges::none_of(text, [](char c) { return is_control(c) || one_of(c, " ,;<>?"); });
  if (good) return std::nullopt;
  return wrong(text, "an e-mail address, write one such as ops@example.com");
}

Invalid prometheus_error(std::string_view text) {
  if (Invalid invalid = url_error(text)) return invalid;
  const auto query = text.find('?');
  if (query == std::string_view::npos) return std::nullopt;
  return wrong(shown_url(text), "where a Prometheus is, leave the query (?) out, it goes to the key 'query'",
               shown_url(text.substr(0, query)));
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Invalid collector_error(std::string_view text) {
  if (Invalid invalid = url_error(text)) return invalid;
  constexpr std::string_view kAdded = "/v1/traces";
  std::string_view base = text.substr(0, text.find('?'));
  const bool has_query = base.size() < text.size();
  while (base.ends_with('/')) base.remove_suffix(1);
  const bool whole = base.ends_with(kAdded);
  if (whole) base.remove_suffix(kAdded.size());
  if (!whole && !has_query) return std::nullopt;
  return wrong(shown_url(text), "where a collector is: /v1/traces is added to it, and it has no query",
               shown_url(base));
}

Invalid secret_url_error(std::string_view text) {
  const auto url = parse_url(text);
  if (url && url->target == kSecretTarget)
    return ValueError{"this is how `config show` writes the URL, without its secret: write the whole URL",
                      ""};
  if (url) return std::nullopt;
  constexpr std::string_view kWhy = " is not a URL that can be asked: ";
  const std::string& said = url.error().what;
  return ValueError{"what stands there" + said.substr(std::min(said.rfind(kWhy), said.size())), ""};
}

std::string shown_secret_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return {};
  return (url->secured ? "https://" : "http://") + url->authority + std::string(kSecretTarget);
}

}  // namespace sluice::config
