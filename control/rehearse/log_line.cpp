#include "control/rehearse/log_line.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace sluice::rehearse {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// So many digits at `at`; -1 when there are others.
int digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "123.4" of `unit` microseconds. Without floating point: there is one on every line.
std::optional<std::uint32_t> micros_in(std::string_view text, std::uint64_t unit) {
  std::uint64_t whole = 0, part = 0, scale = unit;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) whole = whole * 10 + (text[i] - '0');
  if (i == 0 || i > 9) return std::nullopt;
  if (i < text.size() && text[i] == '.')
    for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
      if (scale >= 10) scale /= 10, part += static_cast<std::uint64_t>(text[i] - '0') * scale;
  if (i != text.size()) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(whole * unit + part, UINT32_MAX));
}

int month_of(std::string_view name) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at = kMonths.find(name);
  return at == std::string_view::npos || at % 3 != 0 ? -1 : static_cast<int>(at / 3) + 1;
}

std::optional<std::int64_t> clock_micros(int hour, int minute, int second) {
  if (hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return (std::int64_t{hour} * 3600 + minute * 60 + second) * kSecond;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

// What stands between `before` and `after`, from `at` on, which moves behind it.
std::optional<std::string_view> between(std::string_view text, std::size_t& at, std::string_view before,
                                        char after) {
  const void* found = ::memmem(text.data() + at, text.size() - at, before.data(), before.size());
  if (!found) return std::nullopt;
  const std::size_t begin =
      static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + before.size();
  const std::size_t end = text.find(after, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end;
  return text.substr(begin, end - begin);
}

// Words with one space between them.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const auto end = std::min(rest_.find(' '), rest_.size());
    const auto word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }
  // Up to `end`, which is taken, too; empty when it is not there.
  std::string_view up_to(std::string_view end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return {};
    const auto found = rest_.substr(0, at);
    rest_.remove_prefix(at + end.size());
    return found;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::string_view without_port(std::string_view address) {
  const auto colon = address.rfind(':');
  return colon == std::string_view::npos ? address : address.substr(0, colon);
}

// By what a status says. Without a status, or with nginx's 499, the client had left.
void set_outcome(Line& line, int status) {
  line.counted = status >= 100 && status != 499;
  line.error = status >= 500;
}

// sluiced says of each request how many attempts were made: what a retry or a rescue hid is an error (G4).
void set_outcome(Line& line, int status, int attempts, std::string_view error) {
  set_outcome(line, status);
  if (attempts == 0) line.counted = error == "no_backend";
  if (attempts > 1 || error == "no_backend") line.counted = line.error = true;
}

}  // namespace

std::string_view to_string(LogKind kind) {
  switch (kind) {
    case LogKind::json:
      return "sluiced's JSON";
    case LogKind::combined:
      return "combined";
    case LogKind::haproxy:
      return "HAProxy's httplog";
    case LogKind::pieces:
      return "a template";
  }
  return "";
}

std::optional<LogKind> kind_of(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    for (const LogKind kind : {LogKind::json, LogKind::haproxy, LogKind::combined})
      if (LineReader(kind).read(text.substr(at, end - at))) return kind;
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<Line> LineReader::read(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  switch (kind_) {
    case LogKind::json:
      return read_json(line);
    case LogKind::combined:
      return read_combined(line);
    case LogKind::haproxy:
      return read_haproxy(line);
    case LogKind::pieces:
      return read_pieces(line);
  }
  return std::nullopt;
}

// The first moment of the day in UTC.
std::optional<std::int64_t> LineReader::day_micros(std::string_view text, int year, int month, int day) {
  if (text == last_day_text_) return last_day_micros_;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (month < 1 || day < 1 || year < 1 || !date.ok()) return std::nullopt;
  last_day_text_ = text;
  last_day_micros_ =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::sys_days(date).time_since_epoch())
          .count();
  return last_day_micros_;
}

namespace {

// "14:02:11.123Z" behind the date of an ISO time, in microseconds of the day.
std::optional<std::int64_t> iso_clock(std::string_view text) {
  auto clock = clock_micros(digits_at(text, 0, 2), digits_at(text, 3, 2), digits_at(text, 6, 2));
  if (!clock || !text.ends_with('Z')) return std::nullopt;
  if (text.size() > 9)
    if (const auto part = micros_in(std::string("0").append(text.substr(8, text.size() - 9)), kSecond))
      *clock += *part;
  return clock;
}

}  // namespace

// Its keys come in the order of kLogFields, and what a client sent cannot look like one: its quotes are
// escaped.
std::optional<Line> LineReader::read_json(std::string_view text) {
  constexpr std::string_view kBegin = "{\"ts\":\"";
  if (!text.starts_with(kBegin) || !text.ends_with('}')) return std::nullopt;
  std::size_t at = kBegin.size();
  const std::string_view date = text.substr(at, 10);
  const auto day = day_micros(date, digits_at(date, 0, 4), digits_at(date, 5, 2), digits_at(date, 8, 2));
  const std::size_t end = text.find('"', at);
  if (!day || end == std::string_view::npos || end < at + 20) return std::nullopt;
  const auto clock = iso_clock(text.substr(at + 11, end - at - 11));
  at = end;
  const auto client = between(text, at, "\"client\":\"", '"');
  const auto method = client ? between(text, at, "\"method\":\"", '"') : std::nullopt;
  const auto status = method ? between(text, at, "\"status\":", ',') : std::nullopt;
  const auto duration = status ? between(text, at, "\"duration_ms\":", ',') : std::nullopt;
  const auto service = duration ? between(text, at, "\"service\":\"", '"') : std::nullopt;
  const auto pool = service ? between(text, at, "\"pool\":\"", '"') : std::nullopt;
  const auto attempts = pool ? between(text, at, "\"attempts\":", ',') : std::nullopt;
  const auto error = attempts ? between(text, at, "\"error\":\"", '"') : std::nullopt;
  if (!clock || !error) return std::nullopt;
  const auto code = number_in<int>(*status), tried = number_in<int>(*attempts);
  Line line;
  line.duration_micros = micros_in(*duration, 1000);
  if (!code || !tried || !line.duration_micros) return std::nullopt;
  line.ended_micros = *day + *clock + *line.duration_micros;
  line.client = *client;
  line.safe = is_safe(*method);
  line.service = *service;
  line.pool = *pool;
  set_outcome(line, *code, *tried, *error);
  return line;
}

// `1.2.3.4 - user [27/Nov/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 12 "referer" "agent"`, and behind it what
// the operator added: the first number with a point is the request's time in seconds ($request_time), bare,
// in quotes or behind NAME=.
std::optional<Line> LineReader::read_combined(std::string_view text) {
  Words words(text);
  Line line;
  line.client = words.next();
  words.next();
  words.up_to("[");
  const std::string_view time = words.up_to("] \"");
  if (time.size() < 26) return std::nullopt;
  const auto day = day_micros(time.substr(0, 11), digits_at(time, 7, 4), month_of(time.substr(3, 3)),
                              digits_at(time, 0, 2));
  const auto clock = clock_micros(digits_at(time, 12, 2), digits_at(time, 15, 2), digits_at(time, 18, 2));
  const int zone_hours = digits_at(time, 22, 2), zone_minutes = digits_at(time, 24, 2);
  if (!day || !clock || zone_hours < 0 || zone_minutes < 0) return std::nullopt;
  const std::int64_t zone = (zone_hours * 60 + zone_minutes) * 60 * kSecond * (time[21] == '-' ? -1 : 1);
  line.ended_micros = *day + *clock - zone;
  const std::string_view request = words.up_to("\" ");
  line.safe = is_safe(request.substr(0, request.find(' ')));
  const auto status = number_in<int>(words.next());
  if (!status) return std::nullopt;
  set_outcome(line, *status);
  words.next();  // bytes
  if (words.rest().starts_with('"')) words.up_to("\" \""), words.up_to("\"");
  while (!words.rest().empty() && !line.duration_micros) {
    std::string_view word = words.next();
    if (const auto equals = word.find('='); equals != std::string_view::npos) word.remove_prefix(equals + 1);
    if (word.starts_with('"')) word.remove_prefix(1);
    if (word.ends_with('"')) word.remove_suffix(1);
    if (word.find('.') != std::string_view::npos) line.duration_micros = micros_in(word, kSecond);
  }
  return line;
}

// `... haproxy[1]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] web blue/b1 10/0/30/69/109 200 2750 - - ----
// 1/1/1/1/0 0/0 "GET / HTTP/1.1"`: the date is of the accepting process's time zone, which is taken for UTC.
std::optional<Line> LineReader::read_haproxy(std::string_view text) {
  const auto bracket = text.find(" [");
  if (bracket == std::string_view::npos) return std::nullopt;
  const auto before = text.rfind(' ', bracket - 1);
  const std::string_view client = text.substr(before == std::string_view::npos ? 0 : before + 1,
                                              bracket - (before == std::string_view::npos ? 0 : before + 1));
  if (client.find(':') == std::string_view::npos) return std::nullopt;
  Words words(text.substr(bracket + 2));
  const std::string_view time = words.up_to("] ");
  if (time.size() < 24 || time[20] != '.') return std::nullopt;
  const auto day = day_micros(time.substr(0, 11), digits_at(time, 7, 4), month_of(time.substr(3, 3)),
                              digits_at(time, 0, 2));
  const auto clock = clock_micros(digits_at(time, 12, 2), digits_at(time, 15, 2), digits_at(time, 18, 2));
  const int part = digits_at(time, 21, 3);
  if (!day || !clock || part < 0) return std::nullopt;
  Line line;
  line.client = without_port(client);
  words.next();  // frontend
  const std::string_view server = words.next(), timers = words.next(), status_text = words.next();
  line.pool = server.substr(0, server.find('/'));
  std::string_view total = timers.substr(std::min(timers.size(), timers.rfind('/') + 1));
  if (total.starts_with('+')) total.remove_prefix(1);
  line.duration_micros = micros_in(total, 1000);
  const auto status = number_in<int>(status_text);
  if (!status || timers.find('/') == std::string_view::npos || !line.duration_micros) return std::nullopt;
  line.ended_micros = *day + *clock + part * 1000 + *line.duration_micros;
  set_outcome(line, *status);
  words.next(), words.next(), words.next();  // bytes, cookies
  const bool left = words.next().starts_with('C');
  // The client left, or HAProxy answered by itself before it chose a server.
  if (left || server.ends_with("/<NOSRV>")) line.counted = *status >= 500;
  const auto quote = words.rest().find('"');
  if (quote != std::string_view::npos) {
    const auto request = words.rest().substr(quote + 1);
    line.safe = is_safe(request.substr(0, request.find(' ')));
  }
  return line;
}

std::optional<Line> LineReader::read_pieces(std::string_view text) {
  std::array<std::string_view, kLogFields.size()> found{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < format_->pieces.size(); ++i) {
    const auto& piece = format_->pieces[i];
    if (text.substr(at, piece.literal.size()) != piece.literal) return std::nullopt;
    at += piece.literal.size();
    if (!piece.field) continue;
    const bool last = i + 1 == format_->pieces.size() || format_->pieces[i + 1].literal.empty();
    const auto end = last ? text.size() : text.find(format_->pieces[i + 1].literal, at);
    if (end == std::string_view::npos) return std::nullopt;
    found[static_cast<std::size_t>(*piece.field)] = text.substr(at, end - at);
    at = end;
  }
  const auto field = [&](LogField one) {
    const auto value = found[static_cast<std::size_t>(one)];
    return value == "-" ? std::string_view() : value;
  };
  const std::string_view time = field(LogField::ts);
  const auto status = number_in<int>(field(LogField::status));
  if (time.size() < 20 || !status) return std::nullopt;
  const auto day =
      day_micros(time.substr(0, 10), digits_at(time, 0, 4), digits_at(time, 5, 2), digits_at(time, 8, 2));
  const auto clock = iso_clock(time.substr(11));
  if (!day || !clock) return std::nullopt;
  Line line;
  line.duration_micros = micros_in(field(LogField::duration_ms), 1000);
  line.ended_micros = *day + *clock + line.duration_micros.value_or(0);
  line.client = field(LogField::client);
  line.safe = is_safe(field(LogField::method));
  line.service = field(LogField::service);
  line.pool = field(LogField::pool);
  const auto attempts = number_in<int>(field(LogField::attempts));
  if (attempts)
    set_outcome(line, *status, *attempts, field(LogField::error));
  else
    set_outcome(line, *status);
  return line;
}

}  // namespace sluice::rehearse
