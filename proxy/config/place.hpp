// Where things stand in the configuration file, for messages. Pure data; two places are always equal, so that
// two specs are equal when they say the same, wherever in a file it stands.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

// Both from 1; 0 when it was not written.
struct Place {
  int line = 0;
  int column = 0;
  int file = 0;  // 0: the configuration itself; else one that it includes (SourceFiles)
  bool operator==(const Place&) const { return true; }
};

// The configuration's file and those that it includes, in order; for messages.
struct SourceFiles {
  SourceFiles(std::string main = {}) : names{std::move(main)} {}
  std::vector<std::string> names;  // at least one
  bool operator==(const SourceFiles&) const { return true; }
};

// Of a few keys, as each of ten thousand routes has them: in one piece of memory.
class PlacesByKey {
 public:
  void set(std::string_view key, Place place) {
    for (auto& [known, at] : all_)
      if (known == key) {
        at = place;
        return;
      }
    all_.emplace_back(key, place);
  }
  // Null when the key is not there.
  const Place* find(std::string_view key) const {
    for (const auto& [known, place] : all_)
      if (known == key) return &place;
    return nullptr;
  }
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  void reserve(std::size_t keys) { all_.reserve(keys); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<std::pair<std::string, Place>> all_;
};

// Where the keys of one map stand.
struct Places {
  PlacesByKey keys;              // by key, and by "split/blue" for a key inside another
  PlacesByKey values;            // of single values, and by "retries/attempts" of any in a map inside
  std::set<std::string> unread;  // complained about already: what is missing there is no news
  bool operator==(const Places&) const { return true; }

  // Of the value when it is a single one, of the key otherwise.
  Place of(const std::string& key, Place otherwise) const {
    if (const Place* value = values.find(key)) return *value;
    return of_key(key, otherwise);
  }
  Place of_key(const std::string& key, Place otherwise) const {
    const Place* const found = keys.find(key);
    return found ? *found : otherwise;
  }
};

}  // namespace sluice::config
