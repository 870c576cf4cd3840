#include "proxy/h2/field_list.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace {

constexpr std::size_t kShortCookie =
    20;  // so short a secret could be guessed by the table's answers (RFC 7541 7.1)

}  // namespace

bool is_unindexed(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 6:
      return name == "cookie" && value.size() < kShortCookie;
    case 11:
      return name == "traceparent";
    case 12:
      return name == "x-request-id";
    case 13:
      return name == "authorization";
    case 19:
      return name == "proxy-authorization";
    default:
      return false;
  }
}

void FieldList::clear() {
  text_.clear();
  count_ = 0;
}

void FieldList::field(std::string_view name, std::string_view value) {
  begin(name);
  text_.append(value);
  end();
}

void FieldList::field(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void FieldList::begin(std::string_view name) {
  assert(count_ < kMost);
  const auto at = static_cast<std::uint32_t>(text_.size());
  text_.reserve(name.size());
  std::transform(name.begin(), name.end(), text_.room(), http::to_lower);
  text_.commit(name.size());
  entries_[count_] = {at, static_cast<std::uint32_t>(text_.size()), 0};
}

void FieldList::end() { entries_[count_++].end = static_cast<std::uint32_t>(text_.size()); }

FieldList::Field FieldList::operator[](std::size_t i) const {
  const Entry& e = entries_[i];
  const std::string_view text = text_.view();
  const auto name = text.substr(e.begin, e.value - e.begin);
  const auto value = text.substr(e.value, e.end - e.value);
  return {name, value, is_unindexed(name, value)};
}

}  // namespace sluice::h2
