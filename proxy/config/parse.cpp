#include "proxy/config/parse.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>
#include <vector>

namespace sluice::config {
namespace {

Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// What most often lies behind the parser's words.
std::string advice(const std::string& message) {
  if (message == YAML::ErrorMsg::MAP_VALUE)
    return "is the line indented like its neighbours, and is a text with ': ' in it quoted?";
  if (message == YAML::ErrorMsg::END_OF_MAP_FLOW || message == YAML::ErrorMsg::END_OF_SEQ_FLOW)
    return "a bracket that was opened above is not closed, or a comma is missing";
  if (message == YAML::ErrorMsg::FLOW_END) return "there is a closing bracket too many";
  if (message == YAML::ErrorMsg::EOF_IN_SCALAR) return "a quote that was opened above is never closed";
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN) return "a text that begins with @, ` or % must be quoted";
  if (message == YAML::ErrorMsg::END_OF_MAP || message == YAML::ErrorMsg::END_OF_SEQ)
    return "is the line indented like its neighbours?";
  return "";
}

void complain_about_syntax(std::string_view yaml, const YAML::Exception& error, Complaints& out) {
  const Place place = place_of(error.mark);
  const std::string_view line = line_of(yaml, place.line);
  const auto indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (const auto tab = indentation.find('\t'); tab != std::string_view::npos) {
    out.add({place.line, static_cast<int>(tab) + 1},
            "a tab stands in the indentation, YAML is indented with blanks only");
    return;
  }
  const std::string hint = advice(error.msg);
  out.add(place, "this is not valid YAML (" + error.msg + ")" + (hint.empty() ? "" : ", " + hint));
}

// The scalar that ends the document, if that is how it ends.
const YamlNode& last_scalar(const YamlNode& root) {
  constexpr int kDeepest = 600;  // deeper than the parser goes; an alias may lead in a circle
  const YamlNode* node = &root;
  for (int depth = 0; depth < kDeepest && !node->content.empty(); ++depth) node = node->content.back();
  return *node;
}

bool is_closed(std::string_view from_quote) {
  const char quote = from_quote[0];
  for (std::size_t i = 1; i < from_quote.size(); ++i) {
    if (from_quote[i] == quote)
      return true;  // '' inside single quotes ends and begins again, which comes to the same
    if (from_quote[i] == '\\' && quote == '"') ++i;
  }
  return false;
}

// The parser reads a quoted text without its closing quote to the end of the file and is content.
bool complain_about_open_quote(std::string_view yaml, const YamlNode& document, Complaints& out) {
  const YamlNode& last = last_scalar(document);
  if (!last.is_scalar() || last.style != YamlNode::Style::quoted) return false;
  const Place place = last.place;
  const std::string_view line = line_of(yaml, place.line);
  const auto column = static_cast<std::size_t>(place.column - 1);
  if (column >= line.size() || (line[column] != '"' && line[column] != '\'')) return false;
  if (is_closed(yaml.substr(static_cast<std::size_t>(line.data() - yaml.data()) + column))) return false;
  out.add(place, "the quote that opens here is never closed");
  return true;
}

// Where the documents of a text begin. (YAML::LoadAll would tell, too, but with a closing bracket too many it
// finds documents without end.)
class DocumentStarts : public YAML::EventHandler {
 public:
  explicit DocumentStarts(const std::string& yaml) {
    std::istringstream in(yaml);
    YAML::Parser parser(in);
    while (places_.size() < 2 && parser.HandleNextDocument(*this)) {
    }
  }
  // Null when there is no second document.
  const YAML::Mark* second() const { return places_.size() > 1 ? &places_[1] : nullptr; }

  void OnDocumentStart(const YAML::Mark& mark) override { places_.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}

 private:
  std::vector<YAML::Mark> places_;
};

// A map that is written in lines from the first column on ends where the text does or at a mark of documents,
// so that most texts need not be parsed a second time to know.
bool may_have_second(std::string_view text, const YamlNode& document) {
  if (!document.is_map() || document.style != YamlNode::Style::in_lines || document.place.column > 1)
    return true;
  for (auto end = text.find_first_of("\r\n"); end != std::string_view::npos;
       end = text.find_first_of("\r\n", end + 1)) {
    const auto line = text.substr(end + 1);
    if (line.starts_with("---") || line.starts_with("...") || line.starts_with('%')) return true;
  }
  return false;
}

// `path: -` is how everybody writes standard output, and no YAML: there a '-' before a blank begins a list.
// Whether the '-' at `mark` is such a one; then it is quoted, as it is meant, and what follows in its line
// stands two columns further on.
bool quote_lone_dash(std::string& yaml, const YAML::Exception& error) {
  constexpr std::string_view kKey = "path:";
  const auto at = static_cast<std::size_t>(error.mark.pos);
  if (error.msg != YAML::ErrorMsg::BLOCK_ENTRY || error.mark.pos < 0 || at >= yaml.size() || yaml[at] != '-')
    return false;
  const std::string_view before = std::string_view(yaml).substr(0, at);
  const auto key_end = before.find_last_not_of(" \t");
  if (key_end == std::string_view::npos || !before.substr(0, key_end + 1).ends_with(kKey)) return false;
  const auto after = yaml.find_first_not_of(" \t", at + 1);
  if (after != std::string::npos && std::string_view(",}#\r\n").find(yaml[after]) == std::string_view::npos)
    return false;
  yaml.replace(at, 1, "\"-\"");
  return true;
}

YamlTree load(std::string& text, int file) {
  try {
    return YamlTree(text, file);
  } catch (const YAML::Exception& error) {
    if (!quote_lone_dash(text, error)) throw;
  }
  return YamlTree(text, file);
}

void complain_about_second(std::string_view yaml, const YAML::Mark& mark, Complaints& out) {
  const Place place = place_of(mark);
  const auto at = static_cast<std::size_t>(mark.pos);
  if (at < yaml.size() && (yaml[at] == '}' || yaml[at] == ']'))
    out.add(place, "there is a closing bracket too many");
  else
    out.add(place, "a second YAML document begins here, a configuration is one document");
}

}  // namespace

std::optional<YamlTree> parse_yaml(std::string_view yaml, Complaints& out, int file) {
  if (const auto zero = yaml.find('\0'); zero != std::string_view::npos) {
    out.add({1, 1}, "this is not a text file, there is a zero byte in it");
    return std::nullopt;
  }
  std::optional<YamlTree> tree;
  try {
    std::string text(yaml);
    tree = load(text, file);
    if (!tree->root().is_nothing() && may_have_second(text, tree->root())) {
      const DocumentStarts starts(text);
      if (starts.second()) {
        complain_about_second(yaml, *starts.second(), out);
        return std::nullopt;
      }
    }
  } catch (const YAML::Exception& error) {
    complain_about_syntax(yaml, error, out);
    return std::nullopt;
  }
  if (tree->root().is_nothing() && file != 0) return tree;
  if (tree->root().is_nothing()) {
    out.add({1, 1}, "the file is empty, it needs at least 'listeners' and 'services'");
    return std::nullopt;
  }
  if (complain_about_open_quote(yaml, tree->root(), out)) return std::nullopt;
  return tree;
}

}  // namespace sluice::config
