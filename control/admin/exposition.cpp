#include "control/admin/exposition.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "proxy/base/copy_text.hpp"

namespace sluice::admin {
namespace {

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out += part;
  return out;
}

}  // namespace

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  for (const auto& [name, value] : labels) add(name, value);
}

void Labels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  (text_ += name) += "=\"";
  for (auto special = value.find_first_of("\n\\\""); special != value.npos;
       special = value.find_first_of("\n\\\"")) {
    (text_ += value.substr(0, special)) += '\\';
    text_ += value[special] == '\n' ? 'n' : value[special];
    value.remove_prefix(special + 1);
  }
  (text_ += value) += '"';
}

Number::Number(double value) : bits_(std::bit_cast<std::uint64_t>(value)), kind_(Kind::real) {}

char* Number::print(char* at) const {
  char* const end = at + kMostDigits;
  switch (kind_) {
    case Kind::whole:
      return std::to_chars(at, end, bits_).ptr;
    case Kind::with_sign:
      return std::to_chars(at, end, static_cast<std::int64_t>(bits_)).ptr;
    case Kind::real:
      break;
  }
  const auto value = std::bit_cast<double>(bits_);
  if (std::isfinite(value)) return std::to_chars(at, end, value, std::chars_format::fixed).ptr;
  return copy_text(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", at);
}

Family::Family(std::string_view name, std::string_view type, std::string_view help)
    : name_(name), head_(joined({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"})) {
  form({}, {});
}

Family::Form Family::form(std::string_view suffix, std::string_view more) {
  const bool any = !more.empty();
  forms_.push_back({joined({name_, suffix, "{"}), joined({any ? "," : "", more, "} "}),
                    joined({name_, suffix, any ? "{" : "", more, any ? "} " : " "})});
  return static_cast<Form>(forms_.size() - 1);
}

LabelsId Exposition::keep(const Labels& labels) {
  labels_ += labels;
  ends_.push_back(static_cast<std::uint32_t>(labels_.size()));
  return static_cast<LabelsId>(ends_.size() - 1);
}

std::string_view Printer::next() {
  used_ = 0;
  for (; family_ < of_.families_.size(); ++family_, line_ = 0) {
    const Family& family = of_.families_[family_];
    if (line_ == 0) {
      if (!put(family.head_)) break;
      ++line_;
    }
    for (; line_ <= family.samples_.size(); ++line_)
      if (!put(family, family.samples_[line_ - 1])) return {buffer_.data(), used_};
  }
  return {buffer_.data(), used_};
}

// False: it is for the next piece.
bool Printer::put(std::string_view text) {
  char* const at = room_for(text.size());
  if (!at) return false;
  copy_text(text, at);
  used_ += text.size();
  return true;
}

bool Printer::put(const Family& family, const Family::Sample& sample) {
  const auto& form = family.forms_[static_cast<std::size_t>(sample.form)];
  const auto labels = text_of(sample.labels);
  char* const begin = room_for(form.alone.size() + labels.size() + 2 + Number::kMostDigits);
  if (!begin) return false;
  char* at = begin;
  if (labels.empty())
    at = copy_text(form.alone, at);
  else
    at = copy_text(form.behind, copy_text(labels, copy_text(form.before, at)));
  at = sample.value.print(at);
  *at++ = '\n';
  used_ += static_cast<std::size_t>(at - begin);
  return true;
}

// Null where the piece has something, and would get too long.
char* Printer::room_for(std::size_t size) {
  if (used_ + size > kPiece && used_ > 0) return nullptr;
  if (used_ + size > buffer_.size()) buffer_.resize(std::max(kPiece, size));
  return buffer_.data() + used_;
}

std::string_view Printer::text_of(LabelsId labels) const {
  const auto i = static_cast<std::size_t>(labels);
  if (i == 0) return {};
  return std::string_view(of_.labels_).substr(of_.ends_[i - 1], of_.ends_[i] - of_.ends_[i - 1]);
}

}  // namespace sluice::admin
