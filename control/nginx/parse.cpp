#include "control/nginx/parse.hpp"

#include <optional>

#include "proxy/base/values.hpp"

namespace sluice::nginx {

namespace {

constexpr int kDeepest = 32;  // blocks in blocks; nginx's own contexts need five

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The text, character by character, with the place of the next one.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return next_ == text_.size(); }
  char peek() const { return text_[next_]; }
  Place place() const { return place_; }

  char take() {
    const char c = text_[next_++];
    if (c == '\n')
      place_ = {place_.line + 1, 1};
    else
      ++place_.column;
    return c;
  }

  // A '#' is a comment only where a word could begin.
  void skip_blanks() {
    while (!at_end() && (is_blank(peek()) || peek() == '#'))
      if (take() == '#') skip_line();
  }

 private:
  void skip_line() {
    while (!at_end() && peek() != '\n') take();
  }

  std::string_view text_;
  std::size_t next_ = 0;
  Place place_{1, 1};
};

// What nginx's ngx_conf_read_token does to escapes: \" \' \\ \t \r \n, all others stay as they are.
std::string unescaped(char c) {
  switch (c) {
    case 't':
      return "\t";
    case 'r':
      return "\r";
    case 'n':
      return "\n";
    case '"':
    case '\'':
    case '\\':
      return std::string(1, c);
    default:
      return {'\\', c};
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : cursor_(text) {}

  // Until the end of the block, or of the text at depth 0; false after an error.
  bool block(std::vector<Directive>& out, int depth, Place opened);
  const std::optional<SyntaxError>& error() const { return error_; }

 private:
  bool directive(std::vector<Directive>& out, int depth);
  bool word(Word& out);
  bool quoted_word(Word& out);
  void bare_word(Word& out);
  bool fail(Place place, std::string what) {
    error_ = SyntaxError{place, std::move(what)};
    return false;
  }

  Cursor cursor_;
  std::optional<SyntaxError> error_;
};

bool Parser::block(std::vector<Directive>& out, int depth, Place opened) {
  if (depth > kDeepest)
    return fail(opened, "blocks stand deeper in each other than " + std::to_string(kDeepest));
  for (;;) {
    cursor_.skip_blanks();
    if (cursor_.at_end()) {
      if (depth == 0) return true;
      return fail(cursor_.place(), "the file ends, but the block of line " + std::to_string(opened.line) +
                                       " is not closed, a '}' is missing");
    }
    if (cursor_.peek() == '}') {
      if (depth == 0) return fail(cursor_.place(), "a '}' without a block that it closes");
      cursor_.take();
      return true;
    }
    if (!directive(out, depth)) return false;
  }
}

bool Parser::directive(std::vector<Directive>& out, int depth) {
  const Place begin = cursor_.place();
  if (cursor_.peek() == ';' || cursor_.peek() == '{')
    return fail(begin, quoted(std::string(1, cursor_.peek())) + " without a directive before it");
  Directive made;
  if (!word(made.name)) return false;
  for (;;) {
    cursor_.skip_blanks();
    if (cursor_.at_end() || cursor_.peek() == '}')
      return fail(cursor_.place(), "the directive " + quoted(made.name.text) + " of line " +
                                       std::to_string(begin.line) + " is not ended, a ';' is missing");
    const Place place = cursor_.place();
    if (cursor_.peek() == ';') {
      cursor_.take();
      break;
    }
    if (cursor_.peek() == '{') {
      cursor_.take();
      made.has_block = true;
      if (!block(made.block, depth + 1, place)) return false;
      break;
    }
    if (!word(made.arguments.emplace_back())) return false;
  }
  out.push_back(std::move(made));
  return true;
}

bool Parser::word(Word& out) {
  out.place = cursor_.place();
  if (cursor_.peek() == '"' || cursor_.peek() == '\'') return quoted_word(out);
  bare_word(out);
  return true;
}

bool Parser::quoted_word(Word& out) {
  const char quote = cursor_.take();
  while (!cursor_.at_end() && cursor_.peek() != quote) {
    const char c = cursor_.take();
    if (c == '\\' && !cursor_.at_end())
      out.text += unescaped(cursor_.take());
    else
      out.text += c;
  }
  if (cursor_.at_end()) return fail(out.place, "a quoted text that is not closed");
  cursor_.take();
  if (cursor_.at_end() || is_blank(cursor_.peek()) || cursor_.peek() == ';' || cursor_.peek() == '{')
    return true;
  return fail(cursor_.place(),
              "unexpected " + quoted(std::string(1, cursor_.peek())) + " behind a quoted text");
}

void Parser::bare_word(Word& out) {
  while (!cursor_.at_end()) {
    const char c = cursor_.peek();
    const bool variable = c == '{' && out.text.ends_with('$');  // ${name}
    if (is_blank(c) || c == ';' || (c == '{' && !variable)) return;
    cursor_.take();
    if (c == '\\' && !cursor_.at_end())
      out.text += unescaped(cursor_.take());
    else
      out.text += c;
  }
}

}  // namespace

const std::string& Directive::argument(std::size_t i) const {
  static const std::string kNone;
  return i < arguments.size() ? arguments[i].text : kNone;
}

boost::system::result<std::vector<Directive>, SyntaxError> parse(std::string_view text) {
  Parser parser(text);
  std::vector<Directive> directives;
  if (!parser.block(directives, 0, {1, 1})) return *parser.error();
  return directives;
}

}  // namespace sluice::nginx
