// Where things stand in the configuration file, for messages. Pure data; two places are always equal, so that
// two specs are equal when they say the same, wherever in a file it stands.
#pragma once

#include <map>
#include <set>
#include <string>

namespace sluice::config {

// Both from 1; 0 when it was not written.
struct Place {
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const { return true; }
};

// Where the keys of one map stand.
struct Places {
  std::map<std::string, Place> keys;    // by key, and by "split/blue" for a key inside another
  std::map<std::string, Place> values;  // of single values, and by "retries/attempts" of any in a map inside
  std::set<std::string> unread;         // complained about already: what is missing there is no news
  bool operator==(const Places&) const { return true; }

  // Of the value when it is a single one, of the key otherwise.
  Place of(const std::string& key, Place otherwise) const {
    if (const auto value = values.find(key); value != values.end()) return value->second;
    return of_key(key, otherwise);
  }
  Place of_key(const std::string& key, Place otherwise) const {
    const auto found = keys.find(key);
    return found == keys.end() ? otherwise : found->second;
  }
};

}  // namespace sluice::config
