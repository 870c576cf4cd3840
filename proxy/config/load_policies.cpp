// How a service chooses and protects: stickiness, health checks, ejection, retries.
#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/base/suggest.hpp"
#include "proxy/config/readers.hpp"

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
    if (const Wrong wrong = token_error(name, from == From::header ? "a header name" : "a cookie name"))
      return *wrong;
    return StickyKey{from, name};
  }
  const std::vector<std::string> words = {"header", "cookie", "query", "ip"};
  std::string meant = suggest(source, words);
  if (meant != "ip") meant = name.empty() ? "" : meant + (meant.empty() ? "" : ":" + name);
  return ValueError{quoted(text) + " is not a sticky key, write header:NAME, cookie:NAME, query:NAME or ip",
                    meant};
}

void read_sticky_keys(const Value& value, StickySpec& sticky) {
  value.each("a sticky key", [&](const Value& element) {
    std::string text;
    if (!element.text(text)) return;
    const auto key = parse_sticky_key(text);
    if (!key) return element.complain(key.error().what, key.error().suggestion);
    const bool twice = std::find(sticky.keys.begin(), sticky.keys.end(), *key) != sticky.keys.end();
    if (twice) return element.complain("duplicate sticky key " + quoted(text));
    sticky.keys.push_back(*key);
  });
  if (value.is_list() && sticky.keys.empty() && value.empty())
    value.complain("'keys' is empty, name at least one of header:NAME, cookie:NAME, query:NAME and ip");
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

void read_rate_limit(const Value& value, RateLimitSpec& limit) {
  constexpr std::uint32_t kMostAtOnce = 1'000'000;
  limit.burst = 0;
  limit.key.keys = {{From::ip, ""}};
  value.keys({
      {"rate",
       [&](const Value& v) {
         std::string text;
         if (!v.text(text)) return;
         const auto period = parse_rate(text);
         if (!period) return v.complain(period.error().what, period.error().suggestion);
         limit.period_micros = *period;
       },
       kRequired},
      {"burst", [&](const Value& v) { v.whole(limit.burst, 1, kMostAtOnce); }},
      {"key",
       [&](const Value& v) {
         std::string text;
         if (!v.text(text)) return;
         const auto key = parse_sticky_key(text);
         if (!key) return v.complain(key.error().what, key.error().suggestion);
         if (key->from != From::ip) limit.key.keys.insert(limit.key.keys.begin(), *key);
       }},
  });
  if (limit.period_micros == 0) limit.period_micros = 1'000'000;  // complained about
  if (limit.burst == 0)
    limit.burst = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, 1'000'000 / limit.period_micros));
}

// "200-399" or "204".
void read_expected_status(const Value& value, int& into_low, int& into_high) {
  std::string text;
  if (!value.text(text)) return;
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
    return;
  }
  value.complain(
      "'expect' must be a status or a range of them from 100 to 599, such as 200 or 200-399, not " +
      quoted(text));
}

namespace {

void read_retry_cause(const Value& value, RetrySpec& retries, std::vector<std::string>& seen) {
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

// The list replaces the default one, it does not add to it.
void read_retry_causes(const Value& value, RetrySpec& retries) {
  retries.on_connect = retries.on_reset = retries.on_timeout = false;
  retries.on_status.clear();
  std::vector<std::string> seen;
  value.each("a cause in 'on'", [&](const Value& element) { read_retry_cause(element, retries, seen); });
  std::sort(retries.on_status.begin(), retries.on_status.end());
}

void read_budget(const Value& value, double& budget) {
  Share share = 0;
  if (value.share(share)) budget = static_cast<double>(share) / kWhole;
}

// What a browser does not take would never come back.
void check_prefixes(const Value& value, const IssuedCookie& cookie) {
  if (cookie.name.starts_with("__Host-") && (!cookie.domain.empty() || cookie.path != "/"))
    value.complain("a cookie whose name begins with __Host- has no 'domain' and the 'path' /");
}

void read_issued_cookie(const Value& value, IssuedCookie& cookie) {
  const auto name_error = [](std::string_view text) { return token_error(text, "a cookie name"); };
  if (!value.is_map()) {
    value.empty_or(cookie.name, name_error);
    return;
  }
  value.keys({
      {"name", [&](const Value& v) { v.checked(cookie.name, name_error); }, kRequired},
      {"max_age",
       [&](const Value& v) {
         milliseconds wanted{};
         if (!v.duration(wanted, 0ms)) return;
         if (wanted % 1s != 0ms) return v.complain("'max_age' is in whole seconds");
         cookie.max_age = wanted;
       }},
      {"domain", [&](const Value& v) { v.empty_or(cookie.domain, cookie_domain_error); }},
      {"path", [&](const Value& v) { v.checked(cookie.path, cookie_path_error); }},
  });
  check_prefixes(value, cookie);
}

}  // namespace

void read_sticky(const Value& value, StickySpec& sticky, Places& places) {
  value.keys({
      {"keys",
       [&](const Value& v) {
         places.values["sticky/keys"] = v.place();
         read_sticky_keys(v, sticky);
       },
       kRequired},
      {"issue_cookie", [&](const Value& v) { read_issued_cookie(v, sticky.issue_cookie); }},
      {"salt", [&](const Value& v) { v.maybe_empty(sticky.salt); }},
  });
}

void read_health_check(const Value& value, HealthCheckSpec& check) {
  constexpr int kMostInARow = 1000;
  value.keys({
      {"path", [&](const Value& v) { v.checked(check.path, target_error); }},
      {"interval", [&](const Value& v) { v.duration(check.interval); }},
      {"timeout", [&](const Value& v) { v.duration(check.timeout); }},
      {"rise", [&](const Value& v) { v.whole(check.rise, 1, kMostInARow); }},
      {"fall", [&](const Value& v) { v.whole(check.fall, 1, kMostInARow); }},
      {"expect", [&](const Value& v) { read_expected_status(v, check.expect_low, check.expect_high); }},
      {"host", [&](const Value& v) { v.empty_or(check.host, host_header_error); }},
  });
}

void read_outlier(const Value& value, OutlierSpec& outlier) {
  constexpr int kMost = 1'000'000;
  value.keys({
      {"consecutive_errors", [&](const Value& v) { v.whole(outlier.consecutive_errors, 0, kMost); }},
      {"ejection", [&](const Value& v) { v.duration(outlier.ejection); }},
      {"min_available", [&](const Value& v) { v.whole(outlier.min_available, 0, kMost); }},
  });
}

void read_retries(const Value& value, RetrySpec& retries, Places& places) {
  constexpr int kMostAttempts = 100;
  value.keys({
      {"attempts",
       [&](const Value& v) {
         places.values["retries/attempts"] = v.place();
         v.whole(retries.attempts, 1, kMostAttempts);
       }},
      {"on", [&](const Value& v) { read_retry_causes(v, retries); }},
      {"budget", [&](const Value& v) { read_budget(v, retries.budget); }},
      {"rescue",
       [&](const Value& v) {
         v.choice<bool>(retries.rescue_stable, {{"stable", true}, {"none", false}});
       }},
  });
}

}  // namespace sluice::config
