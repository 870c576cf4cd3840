#include "control/acme/messages.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "control/state/read_json.hpp"

namespace sluice::acme {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestText = 500;  // of what a server says, in messages, logs and status
constexpr std::size_t kMostSubproblems = 5;
constexpr std::string_view kAcmeTypes = "urn:ietf:params:acme:error:";

// Whatever the server says stands in one line.
std::string tidy(std::string text) {
  if (text.size() > kLongestText) text = text.substr(0, kLongestText) + "...";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text;
}

std::string text_in(const json::value& document, std::string_view name) {
  return state::text_field(document, name).value_or("");
}

std::string without_prefix(std::string type) {
  if (type.starts_with(kAcmeTypes)) type.erase(0, kAcmeTypes.size());
  return type;
}

std::string subproblems_in(const json::value& document) {
  const auto* all = state::array_field(document, "subproblems");
  std::string out;
  std::size_t shown = 0;
  if (all)
    for (const auto& one : *all) {
      if (++shown > kMostSubproblems) return out + "; and more";
      const auto* identifier = state::field(one, "identifier");
      out += "; " + (identifier ? text_in(*identifier, "value") + ": " : "") + text_in(one, "detail");
    }
  return out;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  if (at + count > text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + count, number);
  if (error != std::errc() || end != text.data() + at + count || number < 0) return std::nullopt;
  return number;
}

}  // namespace

Complaint complaint_in(const json::value& document) {
  Complaint complaint;
  complaint.type = without_prefix(text_in(document, "type"));
  const std::string detail = text_in(document, "detail");
  if (detail.empty() && complaint.type.empty()) return complaint;
  const std::string inside = complaint.type + subproblems_in(document);
  complaint.text = tidy(detail.empty() ? inside : inside.empty() ? detail : detail + " (" + inside + ")");
  return complaint;
}

std::optional<UnixMilliseconds> read_time(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // "2026-01-02T03:04:05"
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  std::tm parts{};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  std::int64_t seconds = static_cast<std::int64_t>(timegm(&parts));
  std::string_view rest = text.substr(kSeconds);
  if (rest.starts_with('.'))
    rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  if (rest == "Z" || rest == "z") return seconds * 1000;
  const auto off_hours = digits(rest, 1, 2), off_minutes = digits(rest, 4, 2);
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || !off_hours || !off_minutes)
    return std::nullopt;
  const int offset = (*off_hours * 60 + *off_minutes) * 60;
  seconds += rest[0] == '+' ? -offset : offset;
  return seconds * 1000;
}

std::optional<RenewalWindow> read_window(const Answer& answer) {
  if (answer.status != 200) return std::nullopt;
  const json::value document = state::parse_json(answer.body);
  const auto* window = state::field(document, "suggestedWindow");
  if (!window) return std::nullopt;
  const auto start = read_time(text_in(*window, "start")), end = read_time(text_in(*window, "end"));
  if (!start || !end || *end < *start) return std::nullopt;
  return RenewalWindow{*start, *end};
}

Failure failure_of(const Answer& answer, const std::string& while_doing) {
  Failure failure;
  failure.retry_after = answer.retry_after;
  if (answer.status == 0) {
    failure.what = while_doing + ": " + answer.problem;
    return failure;
  }
  const Complaint complaint = complaint_in(state::parse_json(answer.body));
  const bool is_down = answer.status / 100 == 5 && complaint.type.empty();
  failure.kind = is_down ? FailureKind::unreachable : FailureKind::refused;
  failure.what = while_doing + ": status " + std::to_string(answer.status);
  if (!complaint.text.empty()) failure.what += ", " + complaint.text;
  if (!answer.problem.empty()) failure.what += ", " + answer.problem;
  return failure;
}

}  // namespace sluice::acme
