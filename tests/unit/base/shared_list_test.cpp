#include "proxy/base/shared_list.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using List = SharedList<std::string>;

List listed(std::initializer_list<const char*> texts) {
  List list;
  for (const auto* text : texts) list.push_back(text);
  return list;
}

TEST(SharedList, WhatIsChangedInACopyIsItsOwnTheRestIsShared) {
  const List before = listed({"a", "b", "c"});
  List after = before;
  after.edit(1) += "!";
  EXPECT_EQ(before[1], "b");
  EXPECT_EQ(after[1], "b!");
  EXPECT_TRUE(after.same(0, before, 0));
  EXPECT_FALSE(after.same(1, before, 1));
  const std::string* const own = &after[1];
  after.edit(1) += "!";
  EXPECT_EQ(&after[1], own) << "nobody else has it: it is not copied again";
}

TEST(SharedList, ListsAreEqualByWhatTheyHold) {
  EXPECT_EQ(listed({"a", "b"}), listed({"a", "b"}));
  EXPECT_FALSE(listed({"a", "b"}) == listed({"a"}));
  EXPECT_FALSE(listed({"a", "b"}) == listed({"a", "c"}));
}

TEST(SharedList, PutsInAndTakesOut) {
  const List before = listed({"a", "c"});
  List after = before;
  after.insert(1, "b");
  after.replace(2, "d");
  after.erase(0);
  after.push_shared(before, 1);
  EXPECT_EQ(after, listed({"b", "d", "c"}));
  EXPECT_TRUE(after.same(2, before, 1));
  EXPECT_EQ(before, listed({"a", "c"}));
  EXPECT_EQ(std::lower_bound(before.begin(), before.end(), "b") - before.begin(), 1);
}

}  // namespace
}  // namespace sluice
