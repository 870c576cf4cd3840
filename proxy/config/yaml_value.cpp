#include "proxy/config/yaml_value.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "proxy/base/origin.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/config/machine.hpp"

namespace sluice::config {
namespace {

std::optional<bool> flag_of(const std::string& text) {
  bool flag = false;
  return YAML::convert<bool>::decode(YAML::Node(text), flag) ? std::optional(flag) : std::nullopt;
}

// What follows "unknown key 'x' in y": nothing when the suggestion says it.
std::string unknown_because(const std::string& meant, const std::vector<std::string>& words) {
  return meant.empty() ? ", its keys are " + list_of(words) : "";
}

}  // namespace

YamlValue::YamlValue(Complaints& out, const YamlNode& node, std::string name, Place key)
    : out_(&out), node_(&node), name_(std::move(name)), key_(key), place_(node.place) {
  if (node_->is_nothing())
    place_ = key_;  // YAML places "nothing" at the token that follows, often lines below
}

void YamlValue::complain(std::string what, std::string suggestion) const {
  out_->add(place_, std::move(what), std::move(suggestion));
}

void YamlValue::complain(const ValueError& wrong) const {
  complain(name_ + ": " + wrong.what, wrong.suggestion);
}

std::string YamlValue::found() const {
  if (node_->is_scalar()) return quoted(node_->text);
  if (node_->is_map()) return "a map";
  return node_->is_list() ? "a list" : "nothing";
}

bool YamlValue::expect_scalar(const std::string& must_be) const {
  if (node_->is_scalar()) return true;
  complain(node_->is_nothing() ? name_ + " has no value, it must be " + must_be
                               : name_ + " must be " + must_be + ", not " + found());
  return false;
}

bool YamlValue::maybe_empty(std::string& into) const {
  if (!expect_scalar("a text")) return false;
  into = node_->text;
  return true;
}

bool YamlValue::text(std::string& into) const {
  return checked(into, [](std::string_view) { return std::nullopt; });
}

bool YamlValue::checked(std::string& into, const Check& check) const {
  if (!expect_scalar("a text")) return false;
  if (node_->text.empty()) {
    complain(name_ + " is empty");
    return false;
  }
  if (const Invalid invalid = check(node_->text)) {
    complain(*invalid);
    return false;
  }
  into = node_->text;
  return true;
}

bool YamlValue::empty_or(std::string& into, const Check& check) const {
  if (!node_->is_scalar() || !node_->text.empty()) return checked(into, check);
  into.clear();
  return true;
}

bool YamlValue::says_off() const { return node_->is_scalar() && flag_of(node_->text) == false; }

bool YamlValue::flag(bool& into) const {
  if (!expect_scalar("true or false")) return false;
  if (const auto flag = flag_of(node_->text)) {
    into = *flag;
    return true;
  }
  const std::vector<std::string> words = {"true", "false"};
  complain(name_ + " must be true or false, not " + found(), suggest(node_->text, words));
  return false;
}

bool YamlValue::duration(milliseconds& into, milliseconds least) const {
  if (!expect_scalar("a duration such as 250ms, 30s, 10m or 1h")) return false;
  const auto parsed = parse_duration(node_->text);
  if (parsed && *parsed >= least) {
    into = *parsed;
    return true;
  }
  complain(parsed ? ValueError{quoted(node_->text) + " is too short, at least " + format_duration(least), ""}
                  : parsed.error());
  return false;
}

bool YamlValue::share(Share& into) const {
  if (!expect_scalar("a percentage such as 5%")) return false;
  const auto parsed = parse_share(node_->text);
  if (parsed) into = *parsed;
  if (!parsed) complain(parsed.error());
  return parsed.has_value();
}

bool YamlValue::size(std::uint64_t& into) const {
  if (!expect_scalar("a size such as 64KiB")) return false;
  const auto parsed = parse_size(node_->text);
  if (parsed) into = *parsed;
  if (!parsed) complain(parsed.error());
  return parsed.has_value();
}

bool YamlValue::address(Address& into, std::uint16_t lowest_port) const {
  if (!expect_scalar("an address such as 127.0.0.1:9001")) return false;
  const auto parsed = parse_address(node_->text, lowest_port);
  if (parsed) into = *parsed;
  if (!parsed) complain(parsed.error());
  return parsed.has_value();
}

// Relative names count from the folder of the file they stand in.
bool YamlValue::file_name(std::string& into) const {
  std::string path;
  if (!text(path)) return false;
  into = (std::filesystem::path(out_->file()).parent_path() / path).string();
  return true;
}

bool YamlValue::origin(Address& into) const {
  if (!expect_scalar("an address such as 127.0.0.1:9001 or unix:/run/app.sock")) return false;
  const auto parsed = parse_origin(node_->text);
  if (parsed) into = *parsed;
  if (!parsed) complain(parsed.error());
  return parsed.has_value();
}

bool YamlValue::srv_name(Address& into) const {
  if (!expect_scalar("the name of SRV records such as _http._tcp.web.internal")) return false;
  const auto parsed = parse_srv_name(node_->text);
  if (parsed) into = *parsed;
  if (!parsed) complain(parsed.error());
  return parsed.has_value();
}

bool YamlValue::readable_file(std::string& into) const {
  std::string path;
  if (!text(path)) return false;
  const auto folder = std::filesystem::path(out_->file()).parent_path();
  const std::string found = (folder / path).string();  // an absolute path stays as it is
  std::string why = why_unreadable(found);
  if (why.empty()) {
    into = found;
    return true;
  }
  std::error_code no_matter;
  if (path[0] != '/')
    why += "; it was looked for in " +
           (folder.empty() ? std::filesystem::current_path(no_matter) : folder).string();
  complain(name_ + ": the file " + quoted(path) + " cannot be read (" + why + ")");
  return false;
}

void YamlValue::unusable(const std::string& path, const std::string& why) const {
  complain(name_ + ": the file " + quoted(path) + " cannot be used: " + why);
}

bool YamlValue::number(double& into) const {
  if (!expect_scalar("a number")) return false;
  const std::string& text = node_->text;
  double parsed = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (failure == std::errc() && end == text.data() + text.size() && std::isfinite(parsed)) {
    into = parsed;
    return true;
  }
  complain(name_ + " must be a number, not " + found());
  return false;
}

bool YamlValue::whole_number(std::uint64_t& into, std::uint64_t low, std::uint64_t high) const {
  const std::string must_be = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!expect_scalar(must_be)) return false;
  const std::string& text = node_->text;
  std::uint64_t parsed = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (failure == std::errc() && end == text.data() + text.size() && parsed >= low && parsed <= high) {
    into = parsed;
    return true;
  }
  complain(name_ + " must be " + must_be + ", not " + found());
  return false;
}

std::size_t YamlValue::index_of(const std::vector<std::string>& words) const {
  if (says_off())
    if (const auto off = std::find(words.begin(), words.end(), "off"); off != words.end())
      return static_cast<std::size_t>(off - words.begin());
  const std::string must_be = "one of " + list_of(words);
  if (!expect_scalar(must_be)) return words.size();
  const auto found_at = std::find(words.begin(), words.end(), node_->text);
  if (found_at == words.end())
    complain(name_ + " must be " + must_be + ", not " + found(), suggest(node_->text, words));
  return static_cast<std::size_t>(found_at - words.begin());
}

bool YamlValue::one_of(std::string& into, std::span<const std::string_view> words) const {
  const std::size_t chosen = index_of({words.begin(), words.end()});
  if (chosen == words.size()) return false;
  into = words[chosen];
  return true;
}

void YamlValue::pairs(const std::string& kind, const Pair& read) const {
  if (!node_->is_map()) {
    complain(node_->is_nothing() ? name_ + " has no value, it must be a map"
                                 : name_ + " must be a map, not " + found());
    return;
  }
  std::map<std::string_view, Place> seen;
  for (std::size_t i = 0; i < node_->content.size(); i += 2) {
    const YamlNode& written = *node_->content[i];
    const Place place = written.place;
    if (!written.is_scalar()) {
      out_->add(place, "a key in " + name_ + " must be a text");
      continue;
    }
    const std::string& key = written.text;
    if (const auto [first, added] = seen.emplace(key, place); !added) {
      out_->add(place, "duplicate key " + quoted(key) + " in " + name_ + ", it stands in " +
                           out_->where(first->second) + " already");
      continue;
    }
    YamlValue value(*out_, *node_->content[i + 1], kind.empty() ? quoted(key) : kind + " " + quoted(key),
                    place);
    value.word_ = key;
    read(key, value);
  }
}

std::set<std::string> YamlValue::keys(KnownKeys& known, Places* places) const {
  Places local;
  Places& learnt = places ? *places : local;
  learnt.keys.reserve(node_->content.size() / 2);
  pairs("", [&](const std::string& word, YamlValue& value) {
    if (word.starts_with("x-")) return;  // for people, and for anchors
    value.around_ = places;
    const std::size_t before = out_->size();
    if (!known.read(word, value)) return complain_about_unknown(word, value, known, learnt);
    learnt.keys.set(word, value.key_place());
    if (value.is_scalar()) learnt.values.set(word, value.place());
    if (around_) around_->values.set(word_ + "/" + word, value.place());
    if (out_->size() > before) learnt.unread.insert(word);
  });
  for (const auto& word : known.required()) {
    if (learnt.keys.contains(word) || !learnt.unread.insert(word).second) continue;
    if (node_->is_map()) out_->add(key_, name_ + " needs the key '" + word + "'");
  }
  return learnt.unread;
}

void YamlValue::complain_about_unknown(const std::string& word, const YamlValue& value,
                                       const KnownKeys& known, Places& learnt) const {
  const auto words = known.words();
  const std::string meant = suggest(word, words);
  if (!meant.empty()) learnt.unread.insert(meant);
  out_->add(value.key_place(), "unknown key " + quoted(word) + " in " + name_ + unknown_because(meant, words),
            meant);
}

void YamlValue::each(const std::string& kind, const std::function<void(const YamlValue&)>& read) const {
  if (!node_->is_list()) {
    const std::string meant = node_->is_scalar() ? "[" + node_->text + "]" : "";
    complain(node_->is_nothing() ? name_ + " has no value, it must be a list, such as []"
                                 : name_ + " must be a list, not " + found(),
             meant);
    return;
  }
  for (const auto* element : node_->content) read(YamlValue(*out_, *element, kind, element->place));
}

}  // namespace sluice::config
