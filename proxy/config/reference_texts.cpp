// What the comments of conf/reference.yaml say of which key.
#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "proxy/config/reference_page.hpp"

namespace sluice::config {
namespace {

// ---- comments of the reference

// Reads the reference line by line, with the keys in which a line stands.
class Comments {
 public:
  explicit Comments(const std::vector<KeyEntry>& keys) {
    for (const auto& key : keys) {
      known_.emplace(key.path, key.holds == "a map of names");
    }
  }

  void line(std::string_view line) {
    const std::size_t comment = line.find_first_not_of(' ');
    if (comment == std::string_view::npos || line.substr(comment).starts_with("# ----")) return forget();
    std::size_t column = comment, marks = 0;
    std::string_view rest = line.substr(comment);
    while (rest.starts_with("# ")) {  // what is commented out stands two columns to the right for each mark
      const std::size_t skip = rest.find_first_not_of(' ', 1);
      if (skip == std::string_view::npos) return forget();
      column += skip;
      ++marks;
      rest.remove_prefix(skip);
    }
    if (key(rest, column - 2 * marks, line)) return;
    if (marks == 0) return;  // a value, or a name of the operator's
    if (comment == behind_ && !texts_.empty() && going_on_) return add_words(texts_.back().text, rest);
    add_words(pending_, rest);
    going_on_ = false;
  }

  std::vector<KeyText> texts() && { return std::move(texts_); }

 private:
  struct Level {
    std::size_t column;
    std::string path;
  };

  void forget() {
    pending_.clear();
    going_on_ = false;
  }

  // Whether a key that is known, or a name, stands at the begin of `rest`.
  bool key(std::string_view rest, std::size_t column, std::string_view line) {
    if (rest.starts_with("- ")) {
      rest.remove_prefix(2);
      column += 2;
    }
    const auto end = std::ranges::find_if(
        rest, [](char c) { return !std::islower(c) && c != '_' && !std::isdigit(c) && c != '-'; });
    const auto length = static_cast<std::size_t>(end - rest.begin());
    if (length == 0 || length == rest.size() || rest[length] != ':') return false;
    if (length + 1 < rest.size() && rest[length + 1] != ' ') return false;
    while (!levels_.empty() && levels_.back().column >= column) levels_.pop_back();
    const std::string path = path_of(std::string(rest.substr(0, length)));
    if (path.empty()) return false;
    levels_.push_back({column, path});
    const auto blank = line.find(" # ", line.size() - rest.size());
    const auto mark = blank == std::string_view::npos ? blank : blank + 1;
    std::string text = std::exchange(pending_, {});
    if (mark != std::string_view::npos) add_words(text, line.substr(mark + 1));
    behind_ = mark;
    going_on_ = mark != std::string_view::npos;
    if (known_.contains(path)) texts_.push_back({path, text});
    return true;
  }

  std::string path_of(const std::string& word) const {
    if (levels_.empty()) return known_.contains(word) ? word : std::string();
    const std::string& above = levels_.back().path;
    const auto parent = known_.find(above);
    if (parent != known_.end() && parent->second) return above + ".NAME";
    for (const char* joint : {".", "[]."})
      if (known_.contains(above + joint + word)) return above + joint + word;
    return {};
  }

  std::map<std::string, bool> known_;  // whether it is a map of names
  std::vector<Level> levels_;
  std::vector<KeyText> texts_;
  std::string pending_;
  std::size_t behind_ = std::string_view::npos;  // where the comment behind the last key begins
  bool going_on_ = false;
};

}  // namespace

static std::string_view stripped(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void add_words(std::string& text, std::string_view more) {
  more = stripped(more);
  if (!text.empty() && !more.empty()) text += ' ';
  text += more;
}

std::vector<KeyText> key_texts(std::string_view reference, const std::vector<KeyEntry>& keys) {
  Comments comments(keys);
  while (!reference.empty()) {
    const auto end = std::min(reference.find('\n'), reference.size());
    comments.line(reference.substr(0, end));
    reference.remove_prefix(std::min(end + 1, reference.size()));
  }
  return std::move(comments).texts();
}

}  // namespace sluice::config
