// One value of the YAML document under the eyes of the loader: reads it as what it must be, or complains with
// its place.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/config/complaint.hpp"
#include "proxy/config/kinds.hpp"
#include "proxy/config/syntax.hpp"
#include "proxy/config/yaml_tree.hpp"

namespace sluice::config {

class YamlValue;

// The keys that a map may hold.
class KnownKeys {
 public:
  virtual ~KnownKeys() = default;
  // False: there is none of this word.
  virtual bool read(const std::string& word, const YamlValue& value) = 0;
  virtual std::vector<std::string> words() const = 0;
  virtual std::vector<std::string> required() const = 0;
};

// The readers return whether `into` was set; when not, they have complained and `into` is as it was.
// A method for each kind of value that a key may have, hence so many.
class YamlValue {
 public:
  // `name` is how messages call it ("'interval'", "service 'api'", "a listener"), `key` where its key stands.
  // `node` outlives it.
  YamlValue(Complaints& out, const YamlNode& node, std::string name, Place key);

  const std::string& name() const { return name_; }
  Place place() const { return place_; }
  Place key_place() const { return key_; }
  bool is_scalar() const { return node_->is_scalar(); }
  bool is_map() const { return node_->is_map(); }
  bool is_list() const { return node_->is_list(); }
  bool empty() const { return node_->content.empty(); }  // of a map or list
  Complaints& complaints() const { return *out_; }
  // Where the places of the map are kept in which this value stands; null: nowhere.
  Places* around() const { return around_; }

  // At this value's place. The second form says "'name': what".
  void complain(std::string what, std::string suggestion = {}) const;
  void complain(const ValueError& wrong) const;

  bool text(std::string& into) const;         // any scalar but an empty one
  bool maybe_empty(std::string& into) const;  // any scalar
  using Check = std::function<Invalid(std::string_view)>;
  bool checked(std::string& into, const Check& check) const;
  bool empty_or(std::string& into, const Check& check) const;
  bool flag(bool& into) const;  // true or false, as YAML's yes, no, on, off
  bool says_off() const;        // a scalar that is YAML's false; never complains
  bool duration(milliseconds& into, milliseconds least = 1ms) const;
  bool share(Share& into) const;
  bool size(std::uint64_t& into) const;  // bytes, "64KiB"
  bool address(Address& into, std::uint16_t lowest_port = 1) const;
  bool origin(Address& into) const;             // of a backend: an address, a unix socket or SRV records
  bool srv_name(Address& into) const;           // "_http._tcp.web.internal"
  bool readable_file(std::string& into) const;  // it exists and this process may read it
  bool file_name(std::string& into) const;      // likewise, but it is not looked for
  // The file can be read, but not used.
  void unusable(const std::string& path, const std::string& why) const;
  bool number(double& into) const;  // finite

  template <class T>
  bool whole(T& into, std::uint64_t low, std::uint64_t high) const {
    std::uint64_t number = 0;
    if (!whole_number(number, low, high)) return false;
    into = static_cast<T>(number);
    return true;
  }

  // YAML's false is the word "off" where that is one of them.
  template <class T>
  bool choice(T& into, std::span<const Word<T>> choices) const {
    std::vector<std::string> words;
    for (const auto& choice : choices) words.emplace_back(choice.word);
    const std::size_t chosen = index_of(words);
    if (chosen == words.size()) return false;
    into = choices[chosen].meaning;
    return true;
  }
  bool one_of(std::string& into, std::span<const std::string_view> words) const;

  // A map of the keys in `known`: complains about what is no map, unknown, twice there or missing. `places`,
  // when given, learns where each key stands and which could not be read, and those of the map that this one
  // is a value of learn where the values in this one stand ("retries/attempts"). Returns which could not be
  // read, or were misspelt.
  std::set<std::string> keys(KnownKeys& known, Places* places = nullptr) const;

  // A map whose keys are names: each pair once, in the order written. The value is called `kind` 'KEY'.
  using Pair = std::function<void(const std::string& key, YamlValue& value)>;
  void pairs(const std::string& kind, const Pair& read) const;

  // A list; each element is called `kind`.
  void each(const std::string& kind, const std::function<void(const YamlValue&)>& read) const;

 private:
  void complain_about_unknown(const std::string& word, const YamlValue& value, const KnownKeys& known,
                              Places& learnt) const;
  bool whole_number(std::uint64_t& into, std::uint64_t low, std::uint64_t high) const;
  std::size_t index_of(const std::vector<std::string>& words) const;  // its size when it is none of them
  bool expect_scalar(const std::string& must_be) const;
  std::string found() const;

  Complaints* out_;
  const YamlNode* node_;
  std::string name_;
  Place key_, place_;
  Places* around_ = nullptr;
  std::string word_;  // the key itself, of a value in a map
};

}  // namespace sluice::config
