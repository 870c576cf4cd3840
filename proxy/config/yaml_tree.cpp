#include "proxy/config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace sluice::config {

std::size_t YamlNode::index_of(std::string_view key) const {
  std::size_t i = 0;
  while (i < content.size() && !(content[i]->is_scalar() && content[i]->text == key)) i += 2;
  return std::min(i + 1, content.size());
}

YamlNode* YamlNode::find(std::string_view key) const {
  const std::size_t i = index_of(key);
  return i < content.size() ? content[i] : nullptr;
}

YamlNode* YamlNode::take(std::string_view key) {
  const std::size_t i = index_of(key);
  if (i >= content.size()) return nullptr;
  YamlNode* const value = content[i];
  const auto at = content.begin() + static_cast<std::ptrdiff_t>(i);
  content.erase(at - 1, at + 1);
  return value;
}

class YamlTree::Builder : public YAML::EventHandler {
  using Kind = YamlNode::Kind;
  using Style = YamlNode::Style;
  using Mark = YAML::Mark;
  using Tag = std::string;

 public:
  Builder(std::deque<YamlNode>& nodes, int file) : nodes_(nodes), file_(file) {}

  void OnDocumentStart(const Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const Mark& mark, YAML::anchor_t anchor) override { add(Kind::nothing, mark, anchor); }
  void OnAlias(const Mark&, YAML::anchor_t anchor) override { put(anchors_.at(anchor)); }
  // The tag of a text in quotes is "!".
  void OnScalar(const Mark& mark, const Tag& tag, YAML::anchor_t anchor, const std::string& text) override {
    YamlNode& node = add(Kind::scalar, mark, anchor);
    node.text = text;
    if (tag == "!") node.style = Style::quoted;
  }
  void OnSequenceStart(const Mark& mark, const Tag&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Kind::list, mark, anchor, style);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const Mark& mark, const Tag&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Kind::map, mark, anchor, style);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  YamlNode& add(Kind kind, const Mark& mark, YAML::anchor_t anchor) {
    YamlNode& node = nodes_.emplace_back();
    node.kind = kind;
    node.place = {mark.line + 1, mark.column + 1, file_};
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    put(&node);
    return node;
  }
  void open(Kind kind, const Mark& mark, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    YamlNode& node = add(kind, mark, anchor);
    node.style = style == YAML::EmitterStyle::Flow ? Style::in_brackets : Style::in_lines;
    open_.push_back(&node);
  }
  void put(YamlNode* node) {
    if (!open_.empty()) open_.back()->content.push_back(node);
  }

  std::deque<YamlNode>& nodes_;
  const int file_;
  std::vector<YamlNode*> open_;  // lists and maps, each inside the one before
  std::unordered_map<YAML::anchor_t, YamlNode*> anchors_;
};

YamlTree::YamlTree(const std::string& yaml, int file) {
  std::istringstream in(yaml);
  Builder builder(nodes_, file);
  if (!YAML::Parser(in).HandleNextDocument(builder)) nodes_.emplace_back();
}

}  // namespace sluice::config
