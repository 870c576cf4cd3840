#include "proxy/route/path_trees.hpp"

#include <algorithm>
#include <cassert>

namespace sluice::route {
namespace {

std::size_t common_size(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end.first - a.begin());
}

// How many prefixes of `sorted`, which is not empty, have the same byte at `depth` as the first one.
std::size_t same_byte(std::span<const PathTrees::Prefix> sorted, std::size_t depth) {
  const auto differs = [&](const PathTrees::Prefix& other) {
    return other.path[depth] != sorted.front().path[depth];
  };
  return static_cast<std::size_t>(std::find_if(sorted.begin(), sorted.end(), differs) - sorted.begin());
}

}  // namespace

std::uint32_t PathTrees::add(std::span<Prefix> prefixes) {
  assert(!prefixes.empty());
  for (Prefix& prefix : prefixes)
    if (prefix.path == "/") prefix.path = {};
  std::sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
    const int order = a.path.compare(b.path);
    return order != 0 ? order < 0 : a.number < b.number;
  });
  const auto root = static_cast<std::uint32_t>(nodes_.size());
  nodes_.emplace_back();
  fill(root, prefixes, 0);
  return root;
}

// `sorted` have their first `depth` bytes in common; those that end with this node stand before all others.
void PathTrees::fill(std::uint32_t node, std::span<const Prefix> sorted, std::size_t depth) {
  const std::string_view shortest = sorted.front().path;
  const auto end = common_size(shortest, sorted.back().path);
  Node made;
  made.label = append(shortest.substr(depth, end - depth));
  made.label_size = static_cast<std::uint32_t>(end - depth);
  made.ends_segment = end == 0 || shortest[end - 1] == '/';
  made.numbers = static_cast<std::uint32_t>(numbers_.size());
  for (; !sorted.empty() && sorted.front().path.size() == end; sorted = sorted.subspan(1))
    numbers_.push_back(sorted.front().number);
  made.number_count = static_cast<std::uint32_t>(numbers_.size()) - made.numbers;
  if (made.number_count > 0) made.lowest = numbers_[made.numbers];
  nodes_[node] = made;
  if (!sorted.empty()) add_children(node, sorted, end);
}

void PathTrees::add_children(std::uint32_t node, std::span<const Prefix> sorted, std::size_t depth) {
  std::string bytes;
  for (auto rest = sorted; !rest.empty(); rest = rest.subspan(same_byte(rest, depth)))
    bytes += rest.front().path[depth];
  const auto first = static_cast<std::uint32_t>(nodes_.size());
  nodes_.resize(nodes_.size() + bytes.size());
  nodes_[node].bytes = append(bytes);
  nodes_[node].child_count = static_cast<std::uint16_t>(bytes.size());
  nodes_[node].children = first;
  for (std::uint32_t child = first; !sorted.empty(); ++child) {
    const auto count = same_byte(sorted, depth);
    fill(child, sorted.first(count), depth + 1);
    nodes_[node].lowest = std::min(nodes_[node].lowest, nodes_[child].lowest);
    sorted = sorted.subspan(count);
  }
}

std::uint32_t PathTrees::append(std::string_view text) {
  const auto begin = static_cast<std::uint32_t>(text_.size());
  text_ += text;
  return begin;
}

}  // namespace sluice::route
