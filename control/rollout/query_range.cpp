#include "control/rollout/query_range.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "proxy/base/values.hpp"

namespace sluice::rollout {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::string_view kAge = "{range}";
constexpr int kDeepest = 200;  // parentheses inside another; Prometheus reads fewer

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == ':'; }

std::optional<milliseconds> unit_at(std::string_view text, std::size_t& at) {
  struct Unit {
    std::string_view name;
    milliseconds length;
  };
  constexpr Unit kUnits[] = {{"ms", 1ms}, {"s", 1s},      {"m", 1min},     {"h", 1h},
                             {"d", 24h},  {"w", 7 * 24h}, {"y", 365 * 24h}};
  for (const auto& unit : kUnits)
    if (text.substr(at).starts_with(unit.name)) {
      at += unit.name.size();
      return unit.length;
    }
  return std::nullopt;
}

// "1h30m", "5m", "300" (seconds), from `at` on, which is moved behind it; 0 for what is none.
milliseconds duration_at(std::string_view text, std::size_t& at) {
  constexpr double kMost = 1e14;  // milliseconds
  milliseconds sum{0};
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data() + at, text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc()) return sum;
    at = static_cast<std::size_t>(end - text.data());
    const auto unit = unit_at(text, at).value_or(1s);
    sum +=
        milliseconds(static_cast<std::int64_t>(std::min(number * static_cast<double>(unit.count()), kMost)));
  }
  return sum;
}

// Goes through an expression once. Of each operand it knows how far that looks back; of a group in
// parentheses, as far as the farthest of its operands.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Reach read() {
    while (at_ < text_.size()) {
      reach_.back = std::max(reach_.back, group(0));
      if (at_ < text_.size()) ++at_;  // a ')' that closes nothing
    }
    return reach_;
  }

 private:
  milliseconds group(int depth) {
    milliseconds farthest{0}, last{0};
    const auto next_operand = [&] {
      farthest = std::max(farthest, last);
      last = 0ms;
    };
    while (at_ < text_.size() && text_[at_] != ')') {
      const char c = text_[at_];
      if (std::isspace(static_cast<unsigned char>(c))) {
        ++at_;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '\'' || c == '`') {
        skip_string();
      } else if (c == '{') {
        skip_matchers();
      } else if (c == '(') {
        ++at_;
        last = std::max(last, depth < kDeepest ? group(depth + 1) : 0ms);
        if (at_ < text_.size()) ++at_;
      } else if (c == '[') {
        last += range();
      } else if (c == '@') {
        ++at_;
        at_time();
      } else if (is_word(c)) {
        if (word() == "offset")
          last = std::max(0ms, last + offset());
        else
          next_operand();
      } else {
        ++at_;
        next_operand();
      }
    }
    return std::max(farthest, last);
  }

  std::string word() {
    std::string out;
    for (; at_ < text_.size() && is_word(text_[at_]); ++at_)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_])));
    return out;
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  void skip_string() {
    const char quote = text_[at_++];
    for (; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] == '\\' && quote != '`') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }
  void skip_matchers() {
    for (++at_; at_ < text_.size() && text_[at_] != '}';)
      if (text_[at_] == '"' || text_[at_] == '\'' || text_[at_] == '`')
        skip_string();
      else
        ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }
  // "[5m]", "[5m:30s]", "[{range}]"; the step between the values of a subquery is not looked back.
  milliseconds range() {
    ++at_;
    skip_spaces();
    milliseconds length{0};
    if (!text_.substr(at_).starts_with(kAge)) length = duration_at(text_, at_);
    at_ = std::min(text_.find(']', at_), text_.size());
    at_ = std::min(at_ + 1, text_.size());
    return length;
  }
  milliseconds offset() {
    skip_spaces();
    const bool forward = at_ < text_.size() && text_[at_] == '-';
    if (forward) ++at_;
    skip_spaces();
    if (text_.substr(at_).starts_with(kAge)) {
      at_ += kAge.size();
      return 0ms;
    }
    const milliseconds length = duration_at(text_, at_);
    return forward ? -length : length;
  }
  // start() and end() are the time of the question.
  void at_time() {
    skip_spaces();
    const auto begin = at_;
    while (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.' ||
                                  text_[at_] == '-' || text_[at_] == '+'))
      ++at_;
    if (at_ > begin)
      reach_.fixed_time = true;
    else if (!word().empty() && text_.substr(at_).starts_with("()"))
      at_ += 2;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Reach reach_;
};

// Whole seconds, cut: nothing before the step.
std::string prometheus_duration(milliseconds length) {
  if (length >= 1s) return std::to_string(length / 1s) + "s";
  return std::to_string(length.count()) + "ms";
}

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

milliseconds whole_seconds(milliseconds length) { return length < 1s ? length : length / 1s * 1s; }

}  // namespace

Reach reach_of(std::string_view query) {
  Reach reach = Reader(query).read();
  reach.takes_age = query.find(kAge) != std::string_view::npos;
  return reach;
}

StepQuery::StepQuery(const config::GateSpec& gate)
    : query_(gate.query), min_age_(gate.min_age), reach_(reach_of(gate.query)) {}

std::optional<milliseconds> StepQuery::counts_from() const {
  if (reach_.fixed_time) return std::nullopt;
  if (reach_.takes_age) return reach_.back + std::max(min_age_, milliseconds(1));
  return std::max(reach_.back, min_age_);
}

std::optional<std::string> StepQuery::at(milliseconds age) const {
  if (!reach_.takes_age) return query_;
  const auto from = counts_from();
  if (!from || age < *from) return std::nullopt;
  return replaced(query_, kAge, prometheus_duration(age - reach_.back));
}

std::string StepQuery::held(milliseconds age, const std::string& from) const {
  const auto needed = counts_from();
  if (!needed) return "the query asks for a fixed time (@): no answer of it is of this step";
  if (age >= *needed) return {};
  std::string text = "no answer counts before " + from + ", ";
  if (reach_.back > 0ms)
    text += "the query looks back " + format_duration(reach_.back) +
            (reach_.takes_age ? " beside {range}" : "") + " and the step is " +
            format_duration(whole_seconds(age)) + " old";
  else
    text += "when the step is " + format_duration(*needed) + " old";
  return text;
}

}  // namespace sluice::rollout
