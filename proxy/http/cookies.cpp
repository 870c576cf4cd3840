#include "proxy/http/cookies.hpp"

#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

// The value of the first `name=value` among the parts of `text` between separators; found says whether there
// is one.
std::string_view pair_value(std::string_view text, char separator, std::string_view name, bool& found) {
  while (!text.empty()) {
    const auto end = text.find(separator);
    const auto pair = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.size() > name.size() && pair[name.size()] == '=' && pair.substr(0, name.size()) == name) {
      found = true;
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::string_view cookie_value(const Fields& fields, std::string_view name) {
  if (!fields.ids().has(Header::cookie)) return {};
  for (const Field& field : fields) {
    if (field.id != Header::cookie) continue;
    bool found = false;
    const auto value = pair_value(field.value, ';', name, found);
    if (found) return without_quotes(value);
  }
  return {};
}

std::string_view query_value(std::string_view query, std::string_view name) {
  bool found = false;
  return pair_value(query, '&', name, found);
}

}  // namespace sluice::http
