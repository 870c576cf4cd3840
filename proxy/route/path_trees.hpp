// Which of many path prefixes a path has: radix trees, one for each host, in one block of memory. Every
// prefix has a number, and the lowest that matches is wanted: what can only lead to a higher one is not
// looked at. Immutable once filled; pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::route {

class PathTrees {
 public:
  static constexpr std::uint32_t kNoNumber = UINT32_MAX;
  static constexpr std::uint32_t kNoTree = 0;  // matches nothing

  struct Prefix {
    std::string_view path;  // "/" is a prefix of all, of "*" too; others end with a segment
    std::uint32_t number;
  };

  PathTrees() : nodes_(1) {}

  // A tree of `prefixes`, which are sorted here. Requires: not empty.
  std::uint32_t add(std::span<Prefix> prefixes);

  // The lowest number below `limit` whose prefix `path` has and which `accepts`; else `limit`. No allocation.
  template <class Accepts>
  std::uint32_t first(std::uint32_t tree, std::string_view path, std::uint32_t limit,
                      const Accepts& accepts) const {
    const Node* node = &nodes_[tree];
    while (node->lowest < limit && path.starts_with(label_of(*node))) {
      path.remove_prefix(node->label_size);
      if (node->ends_segment || path.empty() || path.front() == '/') limit = first_of(*node, limit, accepts);
      if (path.empty() || limit <= node->lowest) break;
      const auto child = child_at(*node, path.front());
      if (child == node->child_count) break;
      path.remove_prefix(1);
      node = &nodes_[node->children + child];
    }
    return limit;
  }

 private:
  // What all prefixes below it have in common.
  struct Node {
    std::uint32_t lowest = kNoNumber;  // of its own numbers and of those below it
    std::uint32_t label = 0;           // begins there in `text_`; without the byte that leads to this node
    std::uint32_t label_size = 0;
    std::uint32_t bytes = 0;     // that lead to its children, as many as it has, in `text_`; sorted
    std::uint32_t children = 0;  // the first of them in `nodes_`, the others follow
    std::uint32_t numbers = 0;   // that end here: the first of them in `numbers_`, rising
    std::uint32_t number_count = 0;
    std::uint16_t child_count = 0;
    bool ends_segment = false;  // the prefix is "/" or ends with one
  };

  std::string_view label_of(const Node& node) const { return {text_.data() + node.label, node.label_size}; }
  std::string_view bytes_of(const Node& node) const { return {text_.data() + node.bytes, node.child_count}; }
  // The bytes are sorted, and most often there is no gap between them: "0" to "9".
  std::uint32_t child_at(const Node& node, char byte) const {
    const std::string_view bytes = bytes_of(node);
    if (bytes.empty()) return 0;
    const auto likely = static_cast<std::uint8_t>(byte - bytes.front());
    if (likely < bytes.size() && bytes[likely] == byte) return likely;
    return static_cast<std::uint32_t>(std::min(bytes.find(byte), bytes.size()));
  }
  template <class Accepts>
  std::uint32_t first_of(const Node& node, std::uint32_t limit, const Accepts& accepts) const {
    const std::uint32_t* number = numbers_.data() + node.numbers;
    const std::uint32_t* const end = number + node.number_count;
    for (; number != end && *number < limit; ++number)
      if (accepts(*number)) return *number;
    return limit;
  }
  void fill(std::uint32_t node, std::span<const Prefix> sorted, std::size_t depth);
  void add_children(std::uint32_t node, std::span<const Prefix> sorted, std::size_t depth);
  std::uint32_t append(std::string_view text);

  std::vector<Node> nodes_;  // the first is kNoTree
  std::string text_;
  std::vector<std::uint32_t> numbers_;
};

}  // namespace sluice::route
