// What stands in a YAML text, as a tree. Of yaml-cpp it has the parser's events and not the nodes, which take
// longer to build, ask and destroy than the loader to read them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
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

  Kind kind = Kind::nothing;
  Style style = Style::plain;
  Place place;
  std::string text;                      // of a scalar
  std::vector<const YamlNode*> content;  // of a list its elements, of a map each key with its value behind it
};

class YamlTree {
 public:
  // The first document; throws YAML::Exception when it is none.
  explicit YamlTree(const std::string& yaml);
  YamlTree(YamlTree&&) = default;
  YamlTree& operator=(YamlTree&&) = default;

  const YamlNode& root() const { return nodes_.front(); }

 private:
  class Builder;
  std::deque<YamlNode> nodes_;  // stay where they are: an alias is a second pointer to one of them
};

}  // namespace sluice::config
