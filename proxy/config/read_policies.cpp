// How a service chooses and protects: sticky keys, cookies, rates, what is tried again.
#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/base/suggest.hpp"
#include "proxy/config/keys.hpp"

namespace sluice::config {
namespace {

using From = StickyKey::From;

const std::vector<std::pair<std::string, From>> kSources = {
    {"header", From::header}, {"cookie", From::cookie}, {"query", From::query}};

// "header:NAME", "cookie:NAME", "query:NAME" or "ip".
Parsed<StickyKey> parse_sticky_key(const std::string& text) {
  if (text == "ip") return StickyKey{From::ip, ""};
  const auto colon = text.find(':');
  const std::string source = text.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : text.substr(colon + 1);
  for (const auto& [word, from] : kSources) {
    if (word != source || name.empty()) continue;
    if (from == From::query) return StickyKey{from, name};
    if (const Invalid invalid =
            from == From::header ? token_error(name, "a header name") : cookie_name_error(name))
      return *invalid;
    return StickyKey{from, name};
  }
  const std::vector<std::string> words = {"header", "cookie", "query", "ip"};
  std::string meant = suggest(source, words);
  if (meant != "ip") meant = name.empty() ? "" : meant + (meant.empty() ? "" : ":" + name);
  return ValueError{quoted(text) + " is not a sticky key, write header:NAME, cookie:NAME, query:NAME or ip",
                    meant};
}

// "100/s", "30/m", "5/h" as the time between two requests.
Parsed<std::uint64_t> parse_rate(const std::string& text) {
  const auto slash = text.find('/');
  const std::string unit = slash == std::string::npos ? "" : text.substr(slash + 1);
  constexpr std::uint64_t kSecond = 1'000'000, kHighest = 1'000'000;
  const std::uint64_t minutes = unit == "m" ? 60 * kSecond : 0, hours = unit == "h" ? 3600 * kSecond : 0;
  const std::uint64_t micros = unit == "s" ? kSecond : minutes + hours;
  std::uint64_t rate = 0;
  const char* const end = text.data() + (slash == std::string::npos ? text.size() : slash);
  const auto [stop, failure] = std::from_chars(text.data(), end, rate);
  const bool number = failure == std::errc() && stop == end && rate > 0;
  if (number && micros > 0 && rate <= kHighest) return micros / rate;
  return ValueError{quoted(text) + " is not a rate, write 100/s, 30/m or 5/h, at most 1000000 of them",
                    number && slash == std::string::npos ? text + "/s" : ""};
}

}  // namespace

void read(const YamlValue& value, std::vector<StickyKey>& keys, StickyKeys) {
  value.each("a sticky key", [&](const YamlValue& element) {
    std::string text;
    if (!element.text(text)) return;
    const auto key = parse_sticky_key(text);
    if (!key) return element.complain(key.error().what, key.error().suggestion);
    const bool twice = std::find(keys.begin(), keys.end(), *key) != keys.end();
    if (twice) return element.complain("duplicate sticky key " + quoted(text));
    keys.push_back(*key);
  });
  if (value.is_list() && value.empty())
    value.complain("'keys' is empty, name at least one of header:NAME, cookie:NAME, query:NAME and ip");
}

void read(const YamlValue& value, std::uint64_t& period_micros, Rate) {
  std::string text;
  if (!value.text(text)) return;
  const auto period = parse_rate(text);
  if (!period) return value.complain(period.error().what, period.error().suggestion);
  period_micros = *period;
}

void read(const YamlValue& value, StickySpec& into, RateKey) {
  std::string text;
  if (!value.text(text)) return;
  const auto key = parse_sticky_key(text);
  if (!key) return value.complain(key.error().what, key.error().suggestion);
  if (key->from != From::ip) into.keys.insert(into.keys.begin(), *key);
}

void read(const YamlValue& value, RateLimitSpec& limit, Plain) {
  limit.burst = 0;
  limit.key.keys = {{From::ip, ""}};
  read_keys(value, limit);
  if (limit.period_micros == 0) limit.period_micros = 1'000'000;  // complained about
  if (limit.burst == 0)
    limit.burst = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, 1'000'000 / limit.period_micros));
}

// "200-399" or "204".
bool read_status_range(const YamlValue& value, int& into_low, int& into_high) {
  std::string text;
  if (!value.text(text)) return false;
  constexpr int kLowest = 100, kHighest = 599;
  int low = 0, high = 0;
  const char* const end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, low);
  high = low;
  if (failure == std::errc() && stop != end && *stop == '-') {
    const auto second = std::from_chars(stop + 1, end, high);
    stop = second.ptr, failure = second.ec;
  }
  if (failure == std::errc() && stop == end && low >= kLowest && low <= high && high <= kHighest) {
    into_low = low, into_high = high;
    return true;
  }
  value.complain(
      "'expect' must be a status or a range of them from 100 to 599, such as 200 or 200-399, not " +
      quoted(text));
  return false;
}

namespace {

void read_retry_cause(const YamlValue& value, RetrySpec& retries, std::vector<std::string>& seen) {
  std::string text;
  if (!value.text(text)) return;
  if (std::find(seen.begin(), seen.end(), text) != seen.end())
    return value.complain("duplicate cause " + quoted(text) + " in 'on'");
  seen.push_back(text);
  if (text == "connect") {
    retries.on_connect = true;
  } else if (text == "reset") {
    retries.on_reset = true;
  } else if (text == "timeout") {
    retries.on_timeout = true;
  } else if (text.size() == 3 && text[0] == '5' &&
             text.find_first_not_of("0123456789") == std::string::npos) {
    retries.on_status.push_back(std::stoi(text));
  } else {
    const std::vector<std::string> words = {"connect", "reset", "timeout"};
    value.complain("'on' lists connect, reset, timeout or a status from 500 to 599, not " + quoted(text),
                   suggest(text, words));
  }
}

}  // namespace

// The list replaces the default one, it does not add to it.
void read(const YamlValue& value, RetrySpec& retries, RetryCauses) {
  retries.on_connect = retries.on_reset = retries.on_timeout = false;
  retries.on_status.clear();
  std::vector<std::string> seen;
  value.each("a cause in 'on'", [&](const YamlValue& element) { read_retry_cause(element, retries, seen); });
  std::sort(retries.on_status.begin(), retries.on_status.end());
}

void read(const YamlValue& value, std::vector<GrpcStatus>& statuses, GrpcStatuses) {
  statuses.clear();
  const std::vector<std::string> words(kGrpcStatusNames.begin() + 1, kGrpcStatusNames.end());
  value.each("a status in 'on_grpc'", [&](const YamlValue& element) {
    std::string text;
    if (!element.text(text)) return;
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end())
      return element.complain(
          "'on_grpc' lists statuses of gRPC by name, such as unavailable, not " + quoted(text),
          suggest(text, words));
    const auto status = static_cast<GrpcStatus>(found - words.begin() + 1);
    if (std::find(statuses.begin(), statuses.end(), status) != statuses.end())
      return element.complain("duplicate status " + quoted(text) + " in 'on_grpc'");
    statuses.push_back(status);
  });
  std::sort(statuses.begin(), statuses.end());
}

// One text, or a list of them.
void read(const YamlValue& value, std::vector<std::string>& prefixes, Prefixes) {
  const auto add = [&prefixes](const YamlValue& element) {
    std::string prefix;
    if (!element.checked(prefix, path_error)) return;
    if (std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end())
      return element.complain("duplicate path " + quoted(prefix));
    prefixes.push_back(prefix);
  };
  if (!value.is_list()) return add(value);
  value.each("a path's beginning", add);
  if (value.empty()) value.complain("'match' is empty, name at least one path's beginning, such as /static/");
}

// The list replaces the default one.
void read(const YamlValue& value, std::vector<int>& statuses, MissingStatuses) {
  constexpr int kLowest = 400, kHighest = 499;
  statuses.clear();
  value.each("a status in 'on'", [&](const YamlValue& element) {
    std::string text;
    if (!element.text(text)) return;
    int status = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), status);
    if (failure != std::errc() || stop != text.data() + text.size() || status < kLowest || status > kHighest)
      return element.complain("'on' lists statuses from 400 to 499, such as 404, not " + quoted(text));
    if (std::find(statuses.begin(), statuses.end(), status) != statuses.end())
      return element.complain("duplicate status " + quoted(text) + " in 'on'");
    statuses.push_back(status);
  });
  if (value.is_list() && value.empty())
    value.complain("'on' is empty, name at least one status, such as 404");
  std::sort(statuses.begin(), statuses.end());
}

namespace {

// What a browser does not take would never come back.
void check_prefixes(const YamlValue& value, const IssuedCookie& cookie) {
  if (cookie.name.starts_with("__Host-") && (!cookie.domain.empty() || cookie.path != "/"))
    value.complain("a cookie whose name begins with __Host- has no 'domain' and the 'path' /");
}

}  // namespace

// Its name alone, or a map.
void read(const YamlValue& value, IssuedCookie& cookie, Plain) {
  if (!value.is_map()) {
    value.empty_or(cookie.name, cookie_name_error);
    return;
  }
  read_keys(value, cookie);
  check_prefixes(value, cookie);
}

void read(const YamlValue& value, HealthCheckSpec& check, Plain) {
  const KeysRead keys = read_keys(value, check);
  if (const YamlValue* service = keys.find("service"); service && check.type != HealthCheckSpec::Type::grpc)
    service->complain("'service' is what a health check with 'type: grpc' asks about");
}

}  // namespace sluice::config
