#include "proxy/config/compose.hpp"

#include <algorithm>
#include <cstdlib>
#include <unordered_set>

namespace sluice::config {
namespace {

constexpr char kMerge[] = "<<";

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void append(YamlNode& map, YamlNode* key, YamlNode* value) {
  map.content.push_back(key);
  map.content.push_back(value);
}

// --- variables

// What stands between ${ and }.
class Reference {
 public:
  explicit Reference(std::string_view inside) {
    const auto colon = inside.find(":-");
    name_ = inside.substr(0, colon);
    if (colon != std::string_view::npos) otherwise_ = inside.substr(colon + 2);
  }
  std::string name() const { return std::string(name_); }
  // What is wrong with it; empty when nothing is.
  std::string value(const Variables& variables, std::string& into) const {
    if (!is_name(name_))
      return "${" + name() + "} is no variable, write ${NAME} or ${NAME:-default}, and $${ for a plain ${";
    const auto set = variables(name());
    if (!set && !otherwise_)
      return "${" + name() + "} is not set in the environment, set it or write ${" + name() + ":-default}";
    // As in a shell, the default stands in for an empty one too.
    into += set && !(set->empty() && otherwise_) ? *set : std::string(*otherwise_);
    return {};
  }

 private:
  std::string_view name_;
  std::optional<std::string_view> otherwise_;
};

void put_in(YamlNode& node, const Variables& variables, Complaints& out) {
  constexpr std::string_view kOpen = "${";
  const std::string& text = node.text;
  std::string made;
  for (std::size_t at = 0;;) {
    const std::size_t open = text.find(kOpen, at);
    if (open == std::string::npos) {
      made += text.substr(at);
      break;
    }
    const bool plain = open > at && text[open - 1] == '$';
    made += text.substr(at, open - at - (plain ? 1 : 0));
    const std::size_t close = plain ? open + 1 : text.find('}', open);
    if (close == std::string::npos) {
      out.add(node.place,
              "a ${ in " + quoted(text) + " is never closed, write ${NAME}, or $${ for a plain ${");
      return;
    }
    if (plain) {
      made += kOpen;
    } else if (std::string wrong = Reference(std::string_view(text).substr(open + 2, close - open - 2))
                                       .value(variables, made);
               !wrong.empty()) {
      out.add(node.place, std::move(wrong));
      return;
    }
    at = close + 1;
  }
  node.text = std::move(made);
}

// --- merge keys

class Merger {
 public:
  Merger(YamlTree& tree, Complaints& out) : tree_(tree), out_(out) {}
  void run() {
    for (YamlNode& node : tree_.nodes())
      if (node.is_map()) expand(node);
  }

 private:
  // An anchor's map may have merge keys itself; one that leads back to itself has nothing to add.
  void expand(YamlNode& map) {
    if (!seen_.insert(&map).second) return;
    while (YamlNode* const from = map.take(kMerge)) {
      if (!from->is_list()) {
        add(map, *from);
        continue;
      }
      for (YamlNode* each : from->content) add(map, *each);
    }
  }
  void add(YamlNode& map, YamlNode& from) {
    if (!from.is_map()) {
      out_.add(from.place, "'<<' takes a map, or a list of maps, by its anchor, such as <<: *common");
      return;
    }
    expand(from);
    for (std::size_t i = 0; i < from.content.size(); i += 2)
      if (!map.find(from.content[i]->text)) append(map, from.content[i], from.content[i + 1]);
  }

  YamlTree& tree_;
  Complaints& out_;
  std::unordered_set<const YamlNode*> seen_;
};

// --- defaults

constexpr std::string_view kOfOneService[] = {"pools", "split"};

// A map with all that `own` has, and what only `more` has.
YamlNode& joined(YamlTree& tree, const YamlNode& own, const YamlNode& more) {
  YamlNode& made = tree.add(own);
  for (std::size_t i = 0; i < more.content.size(); i += 2) {
    const std::size_t at = made.index_of(more.content[i]->text);
    if (at >= made.content.size()) {
      append(made, more.content[i], more.content[i + 1]);
    } else if (made.content[at]->is_map() && more.content[i + 1]->is_map()) {
      made.content[at] = &joined(tree, *made.content[at], *more.content[i + 1]);
    }
  }
  return made;
}

// The map of what services have by default; null when there is none, or it is none.
YamlNode* take_defaults(YamlNode& root, Complaints& out) {
  YamlNode* const defaults = root.take("defaults");
  if (!defaults) return nullptr;
  YamlNode* const services = defaults->is_map() ? defaults->find("services") : nullptr;
  if (services && services->is_map() && defaults->content.size() == 2) return services;
  out.add(defaults->place,
          "'defaults' must be a map with the key 'services' and nothing else, such as {services: {rescue: "
          "stable}}");
  return nullptr;
}

}  // namespace

Variables variables_of_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

void put_in_variables(YamlTree& tree, const Variables& variables, Complaints& out) {
  for (YamlNode& node : tree.nodes())
    if (node.is_scalar() && node.text.find("${") != std::string::npos) put_in(node, variables, out);
}

void put_in_merges(YamlTree& tree, Complaints& out) { Merger(tree, out).run(); }

void put_in_defaults(YamlTree& tree, Complaints& out) {
  YamlNode& root = tree.root();
  const YamlNode* const defaults = take_defaults(root, out);
  if (!defaults) return;
  for (const auto word : kOfOneService)
    if (const std::size_t at = defaults->index_of(word); at < defaults->content.size())
      out.add(defaults->content[at - 1]->place,
              "'" + std::string(word) + "' are each service's own, 'defaults' cannot have them");
  YamlNode* const services = root.find("services");
  if (!services || !services->is_map()) return;
  for (std::size_t i = 1; i < services->content.size(); i += 2)
    if (services->content[i]->is_map())
      services->content[i] = &joined(tree, *services->content[i], *defaults);
}

void put_in_part(YamlTree& tree, YamlTree& part, Complaints& out) {
  YamlNode& root = tree.root();
  const YamlNode& more = part.root();
  for (std::size_t i = 0; i < more.content.size(); i += 2) {
    YamlNode* const key = more.content[i];
    YamlNode* const value = more.content[i + 1];
    if (key->text.starts_with("x-")) continue;
    YamlNode* const known = root.find(key->text);
    if (!known) {
      append(root, key, value);
    } else if (known->kind == value->kind && (known->is_map() || known->is_list())) {
      known->content.insert(known->content.end(), value->content.begin(), value->content.end());
    } else {
      out.add(key->place, quoted(key->text) + " stands in " + out.where(known->place) + " already");
    }
  }
}

}  // namespace sluice::config
