// What the comments of conf/reference.yaml say of which key.
#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "proxy/config/reference_page.hpp"

namespace sluice::config {
namespace {

std::string_view stripped(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The word that a colon and a blank, or the end, stand behind; empty when there is none.
std::string word_before_colon(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || (colon + 1 < text.size() && text[colon + 1] != ' ')) return {};
  const auto word = text.substr(0, colon);
  const auto is_of_a_key = [](char c) { return std::islower(c) || std::isdigit(c) || c == '_' || c == '-'; };
  return std::ranges::all_of(word, is_of_a_key) ? std::string(word) : std::string();
}

// Reads the reference line by line, with the keys in which a line stands.
class Comments {
 public:
  explicit Comments(const std::vector<KeyEntry>& keys) {
    for (const auto& key : keys) known_.emplace(key.path, key.kind == KeyEntry::Holds::named_maps);
  }

  void line(std::string_view line) {
    const std::size_t first = line.find_first_not_of(' ');
    if (first == std::string_view::npos || line.substr(first).starts_with("# ----")) return forget();
    std::size_t column = first, marks = 0;
    std::string_view rest = line.substr(first);
    while (rest.starts_with("# ")) {  // what is commented out stands two columns to the right for each mark
      const std::size_t skip = std::min(rest.find_first_not_of(' ', 1), rest.size());
      column += skip;
      ++marks;
      rest.remove_prefix(skip);
    }
    if (read_key(rest, column - 2 * marks, line)) return;
    if (marks == 0) return;  // a value, or a name of the operator's
    if (first == behind_) return add_words(texts_.back().text, rest);
    add_words(pending_, rest);
    behind_ = kNowhere;
  }

  std::vector<KeyText> texts() && { return std::move(texts_); }

 private:
  static constexpr std::size_t kNowhere = std::string_view::npos;
  struct Level {
    std::size_t column;
    std::string path;
  };

  void forget() {
    pending_.clear();
    behind_ = kNowhere;
  }

  // Whether a key, or a name of the operator's, stands at the begin of `rest`, the end of `line`.
  bool read_key(std::string_view rest, std::size_t column, std::string_view line) {
    if (rest.starts_with("- ")) {
      rest.remove_prefix(2);
      column += 2;
    }
    const std::string word = word_before_colon(rest);
    if (word.empty()) return false;
    while (!levels_.empty() && levels_.back().column >= column) levels_.pop_back();
    const std::string path = path_of(word);
    if (path.empty()) return false;
    levels_.push_back({column, path});
    std::string text = std::exchange(pending_, {});
    behind_ = kNowhere;
    if (const auto mark = line.find(" # ", line.size() - rest.size()); mark != kNowhere) {
      add_words(text, line.substr(mark + 2));
      if (known_.contains(path)) behind_ = mark + 1;
    }
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
  std::size_t behind_ = kNowhere;  // where the comment behind the last key begins, while it may go on
};

}  // namespace

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
