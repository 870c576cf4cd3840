// Every key of the configuration as a page, docs/configuration.md: what it holds and its default come from
// the specs' fields(), what it means from the comments of conf/reference.yaml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// Of one key.
struct KeyEntry {
  enum class Holds { value, map, list_of_maps, named_maps };

  std::string path;  // listeners[].tls: [] stands for each of a list, NAME for each of named maps
  Holds kind = Holds::value;
  std::string holds;  // in words: "a duration"
  bool required = false;
  std::string unwritten;  // the default as YAML writes it; empty: none
  bool decided = false;   // `unwritten` is no value, but says what it is taken from

  bool has_keys() const { return kind != Holds::value; }
  // What the paths of its own keys begin with.
  std::string inside() const {
    return path + (kind == Holds::map ? "." : kind == Holds::named_maps ? ".NAME." : "[].");
  }
};

// In the order of fields(); a map stands before its keys.
std::vector<KeyEntry> all_keys();

// What comments of the reference say of a key, by path. A comment belongs to the key on its line, or to the
// next one; one that begins below a comment behind a key goes on with it. Keys that are commented out count.
struct KeyText {
  std::string path, text;
};
std::vector<KeyText> key_texts(std::string_view reference, const std::vector<KeyEntry>& keys);

// Behind a blank, without those around it.
void add_words(std::string& text, std::string_view more);

// Markdown. `reference` is the content of conf/reference.yaml.
std::string reference_page(std::string_view reference);

}  // namespace sluice::config
