#include "proxy/config/reference_page.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace sluice::config {
namespace {

std::string anchor(std::string_view path) {
  std::string text;
  for (const char c : path)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-')
      text += static_cast<char>(std::tolower(c));
  return text;
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

// Of a map's keys: those that begin with it and have no map between.
bool is_directly_in(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return path.substr(prefix.size()).find_first_of(".[") == std::string_view::npos;
}

std::string as_sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text.ends_with('.') ? text : text + ".";
}

std::string_view first_sentence(std::string_view text) { return text.substr(0, text.find(". ")); }

// A value stands in ticks, words do not.
std::string default_of(const KeyEntry& key) {
  if (key.required) return "**required**";
  if (key.unwritten.empty()) return "-";
  return key.decided ? key.unwritten : "`" + key.unwritten + "`";
}

class Page {
 public:
  Page(std::vector<KeyEntry> keys, const std::vector<KeyText>& texts) : keys_(std::move(keys)) {
    for (const auto& [path, text] : texts) add_words(texts_[path], text);
  }

  std::string written() {
    table("");
    for (const auto& key : keys_)
      if (key.has_keys()) section(key);
    return std::move(out_);
  }

 private:
  void section(const KeyEntry& key) {
    const std::string prefix = key.inside();
    out_ += "\n## " + prefix.substr(0, prefix.size() - 1) + "\n\n";
    if (const auto& text = texts_[key.path]; !text.empty()) out_ += as_sentence(text) + "\n\n";
    table(prefix);
  }
  void table(const std::string& prefix) {
    out_ += "| key | holds | default | |\n|---|---|---|---|\n";
    for (const auto& key : keys_)
      if (is_directly_in(key.path, prefix)) row(key, key.path.substr(prefix.size()));
  }
  void row(const KeyEntry& key, const std::string& word) {
    const std::string name = key.inside();
    const std::string holds =
        key.has_keys() ? "[" + key.holds + "](#" + anchor(name.substr(0, name.size() - 1)) + ")" : key.holds;
    const std::string& text = texts_[key.path];
    out_ += "| `" + word + "` | " + cell(holds) + " | " + cell(default_of(key)) + " | " +
            cell(key.has_keys() ? first_sentence(text) : text) + " |\n";
  }

  std::vector<KeyEntry> keys_;
  std::map<std::string, std::string> texts_;
  std::string out_;
};

constexpr std::string_view kHead = R"(# Configuration

Every key of `/etc/sluice/sluice.yaml`, with what it holds, its default and what it means. This page is made by `sluiced __reference`, of the same description
as the loader, `config show` and the manual page sluice.yaml(5); conf/reference.yaml has all of it as one commented file, and `conf/` examples to begin with.

`sluiced --check` names every mistake with file, line and column. `[]` stands for each of a list, `NAME` for a name of yours.

)";

// What the lines before the first section of the reference say of values; what they say before of the file
// itself is not for a page.
std::string preface(std::string_view reference) {
  constexpr std::string_view kFirst = "Durations:";
  std::string text;
  while (reference.starts_with("# ")) {
    const auto end = reference.find('\n');
    add_words(text, reference.substr(2, end - 2));
    reference.remove_prefix(std::min(end + 1, reference.size()));
  }
  return text.substr(std::min(text.find(kFirst), text.size()));
}

}  // namespace

std::string reference_page(std::string_view reference) {
  const auto keys = all_keys();
  return std::string(kHead) + preface(reference) + "\n\n## The top\n\n" +
         Page(keys, key_texts(reference, keys)).written();
}

}  // namespace sluice::config
