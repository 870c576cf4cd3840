// The configuration as one tree: its file with all that it includes, and with variables, merge keys and
// defaults put in. Main thread (it blocks on the disk).
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/config/complaint.hpp"
#include "proxy/config/yaml_tree.hpp"

namespace sluice::config {

inline constexpr std::size_t kLargestFile = 16 << 20;  // bytes; a thousand services are about one megabyte

class Document {
 public:
  // `out` knows the file of `yaml`, learns those that it includes, and gets what is wrong.
  Document(std::string_view yaml, Complaints& out);

  // A map. Null when there is nothing that could be read.
  const YamlNode* root() const { return tree_ ? &tree_->root() : nullptr; }

 private:
  void include_all(Complaints& out);
  void include(const YamlNode& pattern, Complaints& out);
  void include_file(const std::string& name, Place place, Complaints& out);

  std::optional<YamlTree> tree_;
  std::deque<YamlTree> parts_;  // of the included files; the tree points into them
};

}  // namespace sluice::config
