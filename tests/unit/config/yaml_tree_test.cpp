// What the loader sees of a YAML text.
#include "proxy/config/yaml_tree.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/exceptions.h>

namespace sluice::config {
namespace {

using Style = YamlNode::Style;

// As "kind@line:column", with what is inside.
std::string shape(const YamlNode& node) {
  std::string out;
  for (const auto* inside : node.content) out += (out.empty() ? "" : " ") + shape(*inside);
  if (node.is_map()) out = "{" + out + "}";
  if (node.is_list()) out = "[" + out + "]";
  if (node.is_scalar()) out = node.style == Style::quoted ? "'" + node.text + "'" : node.text;
  if (node.is_nothing()) out = "-";
  return out + "@" + std::to_string(node.place.line) + ":" + std::to_string(node.place.column);
}

std::string shape(const std::string& yaml) { return shape(YamlTree(yaml).root()); }

TEST(YamlTree, HasEveryKindOfNodeWithItsPlace) {
  EXPECT_EQ(shape("a: 1\nb:\n  - 'x'\n  - {c: \"y\", d: ~}\n"),
            "{a@1:1 1@1:4 b@2:1 ['x'@3:5 {c@4:6 'y'@4:9 d@4:14 -@4:17}@4:5]@3:3}@1:1");
  EXPECT_EQ(shape("text"), "text@1:1");
}

TEST(YamlTree, OfNoDocumentIsNothingAndOfTwoTheFirst) {
  EXPECT_TRUE(YamlTree("").root().is_nothing());
  EXPECT_TRUE(YamlTree("# a comment\n").root().is_nothing());
  EXPECT_EQ(shape("a: 1\n---\nb: 2\n"), "{a@1:1 1@1:4}@1:1");
}

TEST(YamlTree, AnAliasIsTheNodeItself) {
  const YamlTree tree("a: &x [1, 2]\nb: *x\n");
  const auto& content = tree.root().content;
  ASSERT_EQ(content.size(), 4u);
  EXPECT_EQ(content[1], content[3]);
  EXPECT_EQ(content[1]->content.size(), 2u);
}

TEST(YamlTree, AnAliasOfWhatItStandsInIsACircle) {
  const YamlTree tree("&x [*x]\n");
  ASSERT_EQ(tree.root().content.size(), 1u);
  EXPECT_EQ(tree.root().content[0], &tree.root());
}

TEST(YamlTree, MapsAndListsKnowHowTheyAreWritten) {
  EXPECT_EQ(YamlTree("a: 1").root().style, Style::in_lines);
  EXPECT_EQ(YamlTree("{a: 1}").root().style, Style::in_brackets);
  EXPECT_EQ(YamlTree("- 1").root().style, Style::in_lines);
}

TEST(YamlTree, WhatIsNoYamlThrows) {
  EXPECT_THROW(YamlTree("a: *nowhere\n"), YAML::Exception);
  EXPECT_THROW(YamlTree("a: [1\nb: 2\n"), YAML::Exception);
}

}  // namespace
}  // namespace sluice::config
