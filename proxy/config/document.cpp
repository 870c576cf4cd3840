#include "proxy/config/document.hpp"

#include <filesystem>

#include "proxy/base/denied.hpp"
#include "proxy/config/compose.hpp"
#include "proxy/config/machine.hpp"
#include "proxy/config/parse.hpp"

namespace sluice::config {
namespace {

constexpr char kInclude[] = "include";

void put_in_own(YamlTree& tree, Complaints& out) {
  put_in_variables(tree, variables_of_environment(), out);
  put_in_merges(tree, out);
}

}  // namespace

Document::Document(std::string_view yaml, Complaints& out) {
  tree_ = parse_yaml(yaml, out);
  if (!tree_) return;
  if (!tree_->root().is_map()) {
    out.add({1, 1}, std::string("the file must be a map of keys such as 'listeners' and 'services', not ") +
                        (tree_->root().is_list() ? "a list" : "a single text"));
    tree_.reset();
    return;
  }
  put_in_own(*tree_, out);
  include_all(out);
  put_in_defaults(*tree_, out);
}

// One pattern, or a list of them.
void Document::include_all(Complaints& out) {
  const YamlNode* const wanted = tree_->root().take(kInclude);
  if (!wanted) return;
  if (!wanted->is_list()) return include(*wanted, out);
  for (const YamlNode* each : wanted->content) include(*each, out);
}

void Document::include(const YamlNode& pattern, Complaints& out) {
  if (!pattern.is_scalar() || pattern.text.empty()) {
    out.add(pattern.place, "'include' takes a file or a pattern such as conf.d/*.yaml, or a list of these");
    return;
  }
  const auto folder = std::filesystem::path(out.file()).parent_path();
  for (const std::string& name : files_matching((folder / pattern.text).string()))
    include_file(name, pattern.place, out);
}

void Document::include_file(const std::string& name, Place place, Complaints& out) {
  std::string text;
  if (const int failure = read_whole_file(name, kLargestFile, text)) {
    out.add(place, name + " cannot be read (" + why_denied(name, failure) + ")");
    return;
  }
  const int number = out.add_file(name);
  Complaints own{SourceFiles(name)};
  auto part = parse_yaml(text, own, number);
  out.add(std::move(own).sorted());
  if (!part || part->root().is_nothing()) return;
  if (!part->root().is_map()) {
    out.add({1, 1, number}, "an included file must be a map of keys such as 'services' and 'routes'");
    return;
  }
  put_in_own(*part, out);
  if (const YamlNode* const more = part->root().take(kInclude))
    out.add(more->place, "an included file includes no other, 'include' stands in " + out.file());
  parts_.push_back(std::move(*part));
  put_in_part(*tree_, parts_.back(), out);
}

}  // namespace sluice::config
