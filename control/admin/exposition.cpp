#include "control/admin/exposition.hpp"

#include <cmath>

#include "proxy/base/copy_text.hpp"

namespace sluice::admin {

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  for (const auto& [name, value] : labels) add(name, value);
}

void Labels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  (text_ += name) += "=\"";
  for (const char c : value) {
    if (c == '\n')
      text_ += "\\n";
    else if (c == '\\' || c == '"')
      (text_ += '\\') += c;
    else
      text_ += c;
  }
  text_ += '"';
}

Number::Number(double value) {
  if (std::isfinite(value)) {
    end_ = std::to_chars(digits_, digits_ + sizeof digits_, value, std::chars_format::fixed).ptr;
    return;
  }
  const std::string_view word = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  end_ = digits_ + word.copy(digits_, word.size());
}

Family::Family(std::string_view name, std::string_view type, std::string_view help) : name_(name) {
  for (const auto part : {std::string_view("# HELP "), name, std::string_view(" "), help,
                          std::string_view("\n# TYPE "), name, std::string_view(" "), type})
    text_ += part;
  text_ += '\n';
}

// A line in one piece: there are a hundred for each service.
void Family::add(std::string_view suffix, const Number& value, std::string_view labels,
                 std::string_view more) {
  const auto number = value.text();
  const bool any = !labels.empty() || !more.empty(), both = !labels.empty() && !more.empty();
  const std::size_t begin = text_.size();
  text_.resize(begin + name_.size() + suffix.size() + labels.size() + more.size() + number.size() +
               (any ? 4u : 2u) + (both ? 1u : 0u));
  char* at = text_.data() + begin;
  const auto put = [&at](std::string_view part) { at = copy_text(part, at); };
  put(name_);
  put(suffix);
  if (any) *at++ = '{';
  put(labels);
  if (both) *at++ = ',';
  put(more);
  if (any) *at++ = '}';
  *at++ = ' ';
  put(number);
  *at = '\n';
}

std::string Exposition::text() const {
  std::size_t size = 0;
  for (const auto& family : families_) size += family.text().size();
  std::string all;
  all.reserve(size);
  for (const auto& family : families_) all += family.text();
  return all;
}

}  // namespace sluice::admin
