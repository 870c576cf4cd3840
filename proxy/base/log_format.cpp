#include "proxy/base/log_format.hpp"

#include <algorithm>

#include "proxy/base/suggest.hpp"

namespace sluice {
namespace {

std::vector<std::string> field_names() { return {kLogFields.begin(), kLogFields.end()}; }

ValueError unknown_field(std::string_view name) {
  const auto names = field_names();
  return {"there is no field " + quoted("{" + std::string(name) + "}") + ", the fields are " + list_of(names),
          suggest(name, names)};
}

// A word without any field is a misspelt name of a format.
ValueError no_format(std::string_view text) {
  const std::vector<std::string> words = {"json", "combined"};
  return {
      "a format is json, combined or a template with fields such as '{client} {status}', not " + quoted(text),
      suggest(text, words)};
}

}  // namespace

Parsed<LogFormat> parse_log_format(std::string_view text) {
  LogFormat format;
  if (text == "json") return format;
  format.kind = LogFormat::Kind::combined;
  if (text == "combined") return format;
  format.kind = LogFormat::Kind::pieces;
  std::string literal;
  bool any = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return ValueError{"a template is one line, without control characters", ""};
    if (c != '{' && c != '}') {
      literal += c;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
      continue;
    }
    if (c == '}') return ValueError{"a '}' stands alone in " + quoted(text) + ", write '}}' for a brace", ""};
    const auto end = text.find('}', i);
    if (end == std::string_view::npos)
      return ValueError{"a '{' is not closed in " + quoted(text) + ", write '{{' for a brace", ""};
    const std::string_view name = text.substr(i + 1, end - i - 1);
    const auto found = std::find(kLogFields.begin(), kLogFields.end(), name);
    if (found == kLogFields.end()) return unknown_field(name);
    format.pieces.push_back({std::move(literal), static_cast<LogField>(found - kLogFields.begin())});
    literal.clear();
    any = true;
    i = end;
  }
  if (!any) return no_format(text);
  format.pieces.push_back({std::move(literal), std::nullopt});
  return format;
}

}  // namespace sluice
