#include "proxy/base/values.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>

#include "proxy/base/suggest.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kThousandth = 1000;

// The decimal number a text begins with, in thousandths, and what stands behind it.
struct Number {
  std::uint64_t thousandths = 0;
  bool too_fine = false;  // digits beyond the third that are not 0
  bool too_large = false;
  bool decimal = false;  // it had a point
  std::string_view rest;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<Number> read_number(std::string_view text) {
  constexpr std::uint64_t kLargest = 1'000'000'000'000'000;  // times 1000 still fits
  Number number;
  std::size_t i = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    number.thousandths = number.thousandths * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (number.thousandths > kLargest) number.too_large = true, number.thousandths = kLargest;
  }
  if (i == 0) return std::nullopt;
  number.thousandths *= kThousandth;
  if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) {
    number.decimal = true;
    std::uint64_t unit = kThousandth / 10;
    for (++i; i < text.size() && is_digit(text[i]); ++i, unit /= 10) {
      if (unit == 0 && text[i] != '0') number.too_fine = true;
      number.thousandths += unit * static_cast<std::uint64_t>(text[i] - '0');
    }
  }
  number.rest = text.substr(i);
  return number;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Whole units and thousandths as they are written: 1500 -> "1.5".
std::string format_thousandths(std::uint64_t value) {
  std::string out = std::to_string(value / kThousandth);
  std::string fraction = std::to_string(kThousandth + value % kThousandth).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? out : out + "." + fraction;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

// The unit that a word for it means, empty when it means none of ours.
std::string_view meant_unit(const std::string& word) {
  struct Meaning {
    std::string_view unit;
    std::array<std::string_view, 6> words;
  };
  static constexpr std::array<Meaning, 5> kMeanings = {{
      {"ms", {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}},
      {"s", {"s", "sec", "secs", "second", "seconds", ""}},
      {"m", {"m", "min", "mins", "minute", "minutes", "minutes"}},
      {"h", {"h", "hr", "hrs", "hour", "hours", "hours"}},
      {"d", {"d", "day", "days", "days", "days", "days"}},
  }};
  for (const auto& meaning : kMeanings)
    for (std::string_view known : meaning.words)
      if (word == known) return meaning.unit;
  return {};
}

ValueError not_a_duration(std::string_view text) {
  std::string what =
      quoted(text) + " is not a duration, write a number and its unit, such as 250ms, 30s, 10m, 1h or 30d";
  const auto number = read_number(text);
  if (!number || number->too_large || number->too_fine) return {std::move(what), ""};
  const std::string word = lower(trimmed(number->rest));
  const std::string_view unit = meant_unit(word);
  if (unit.empty()) return {std::move(what), ""};
  return {std::move(what), format_thousandths(number->thousandths).append(unit)};
}

ValueError not_a_share(std::string_view text) {
  std::string what = quoted(text) + " is not a percentage, write it with its sign, such as 5% or 0.125%";
  const auto number = read_number(text);
  const bool only_the_sign_is_missing =
      number && number->rest.empty() && !number->decimal && number->thousandths <= kWhole;
  return {std::move(what), only_the_sign_is_missing ? std::string(text) + "%" : ""};
}

const char kFinestShare[] = " is finer than 0.001 %, the smallest share there is";

}  // namespace

std::string ValueError::text() const { return with_suggestion(what, suggestion); }

Parsed<milliseconds> parse_duration(std::string_view text) {
  if (text.starts_with('-')) return ValueError{quoted(text) + " is negative, a duration is 0s or longer", ""};
  if (text == "0") return milliseconds(0);
  const auto number = read_number(text);
  if (!number) return not_a_duration(text);
  for (const Unit& unit : kTimeUnits) {
    if (unit.name != number->rest) continue;
    const std::uint64_t longest = static_cast<std::uint64_t>(kLongestDuration.count()) * kThousandth;
    if (number->too_large || number->thousandths > longest / unit.factor)
      return ValueError{
          quoted(text) + " is too long, at most " + format_duration(kLongestDuration) + " (a year)", ""};
    const std::uint64_t micros = number->thousandths * unit.factor;
    if (number->too_fine || micros % kThousandth != 0)
      return ValueError{quoted(text) + " is finer than a millisecond, the smallest duration there is", ""};
    return milliseconds(micros / kThousandth);
  }
  return not_a_duration(text);
}

Parsed<Share> parse_share(std::string_view text) {
  if (text.starts_with('-'))
    return ValueError{quoted(text) + " is negative, a percentage is from 0% to 100%", ""};
  const auto number = read_number(text);
  if (!number || trimmed(number->rest) != "%") return not_a_share(text);
  if (number->too_large || number->thousandths > kWhole ||
      (number->thousandths == kWhole && number->too_fine))
    return ValueError{quoted(text) + " is more than 100 %", ""};
  if (number->too_fine) return ValueError{quoted(text) + kFinestShare, ""};
  return static_cast<Share>(number->thousandths);
}

Parsed<Share> share_from_fraction(double fraction) {
  const std::string text = std::to_string(fraction);
  if (!(fraction >= 0 && fraction <= 1))
    return ValueError{quoted(text) + " is not a share, as a number it is from 0 to 1", ""};
  const double units = fraction * kWhole;
  const double nearest = std::round(units);
  constexpr double kRounding = 1e-6;  // what a decimal loses in binary, far below a unit
  if (std::abs(units - nearest) > kRounding) return ValueError{quoted(text) + kFinestShare, ""};
  return static_cast<Share>(nearest);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits = {
      {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};
  if (text.starts_with('-')) return ValueError{quoted(text) + " is negative, a size is 0 or more bytes", ""};
  std::string what =
      quoted(text) + " is not a size, write bytes or a number and its unit, such as 512, 64KiB or 10MiB";
  const auto number = read_number(text);
  if (!number) return ValueError{std::move(what), ""};
  for (const Unit& unit : kUnits) {
    if (unit.name != number->rest) continue;
    if (number->too_large || number->thousandths > UINT64_MAX / unit.factor)
      return ValueError{quoted(text) + " is too large", ""};
    const std::uint64_t bytes = number->thousandths * unit.factor;
    if (number->too_fine || bytes % kThousandth != 0)
      return ValueError{quoted(text) + " is not a whole number of bytes", ""};
    return bytes / kThousandth;
  }
  const std::string prefix = lower(trimmed(number->rest)).substr(0, 1);
  for (const Unit& unit : kUnits)
    if (!prefix.empty() && lower(unit.name).starts_with(prefix))
      return ValueError{std::move(what), format_thousandths(number->thousandths).append(unit.name)};
  return ValueError{std::move(what), ""};
}

std::string format_share(Share share) { return format_thousandths(share) + "%"; }

std::string format_duration(milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  std::size_t i = kTimeUnits.size() - 2;  // hours at most, as ever
  while (count % kTimeUnits[i].factor != 0) --i;
  return std::to_string(count / kTimeUnits[i].factor).append(kTimeUnits[i].name);
}

std::string duration_text(milliseconds duration) {
  constexpr std::uint64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  if (ms == 0) return "0s";
  if (ms < kSecond) return std::to_string(ms) + "ms";
  if (ms < 10 * kSecond) return format_thousandths(ms / 10 * 10) + "s";
  if (ms < kMinute) return format_thousandths(ms / 100 * 100) + "s";
  const auto two = [ms](std::uint64_t unit, const char* name, std::uint64_t smaller,
                        const char* smaller_name) {
    const std::uint64_t rest = ms % unit / smaller;
    return std::to_string(ms / unit) + name + (rest > 0 ? " " + std::to_string(rest) + smaller_name : "");
  };
  if (ms < kHour) return two(kMinute, "m", kSecond, "s");
  return ms < kDay ? two(kHour, "h", kMinute, "m") : two(kDay, "d", kHour, "h");
}

std::string time_text(std::int64_t unix_milliseconds) {
  const std::int64_t second = unix_milliseconds / 1000 - (unix_milliseconds % 1000 < 0);
  const std::time_t seconds = second;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(unix_milliseconds - second * 1000));
  return text;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return time_text(std::chrono::floor<milliseconds>(time).time_since_epoch().count());
}

std::string Quoted::operator()(std::string_view text) const {
  constexpr std::size_t kLongest = 80;
  std::string out = "'";
  for (char c : text.substr(0, kLongest))
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  return out + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace sluice
