// What stands in a YAML text, as a tree. Of yaml-cpp it has the parser's events and not the nodes, which take
// longer to build, ask and destroy than the loader to read them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/place.hpp"

namespace sluice::config {

struct YamlNode {
  enum class Kind : std::uint8_t { nothing, scalar, list, map };
  enum class Style : std::uint8_t { plain, quoted, in_lines, in_brackets };

  bool is_nothing() const { return kind == Kind::nothing; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }
  // Of a map: where the value of a key stands in `content`; its size when the key is not there.
  std::size_t index_of(std::string_view key) const;
  // The value of a key; null when it is not there. take() takes both out of the map.
  YamlNode* find(std::string_view key) const;
  YamlNode* take(std::string_view key);

  Kind kind = Kind::nothing;
  Style style = Style::plain;
  Place place;
  std::string text;                // of a scalar
  std::vector<YamlNode*> content;  // of a list its elements, of a map each key with its value behind it
};

class YamlTree {
 public:
  // The first document; throws YAML::Exception when it is none. `file` is the number of its file in places.
  explicit YamlTree(const std::string& yaml, int file = 0);
  YamlTree(YamlTree&&) = default;
  YamlTree& operator=(YamlTree&&) = default;

  const YamlNode& root() const { return nodes_.front(); }
  YamlNode& root() { return nodes_.front(); }
  std::deque<YamlNode>& nodes() { return nodes_; }  // every one, once
  // One more, which is nowhere in the tree yet.
  YamlNode& add(YamlNode node) { return nodes_.emplace_back(std::move(node)); }

 private:
  class Builder;
  std::deque<YamlNode> nodes_;  // stay where they are: an alias is a second pointer to one of them
};

}  // namespace sluice::config
