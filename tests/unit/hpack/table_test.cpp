#include "proxy/hpack/table.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace sluice::hpack {
namespace {

TEST(HpackTable, TheOldestLeave) {
  Table table;
  table.set_limit(100);
  EXPECT_EQ(table.size(), 0u);
  table.add("one", "1", {});  // 36 bytes each
  const std::uint32_t one = table.newest();
  table.add("two", "2", {http::Header::via});
  EXPECT_TRUE(table.holds(one));
  table.add("three", "3", {});
  EXPECT_FALSE(table.holds(one));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.name(table.newest()), "three");
  EXPECT_EQ(table.value(table.newest()), "3");
  EXPECT_EQ(table.name(table.newest() - 1), "two");
  EXPECT_EQ(table.form(table.newest() - 1).id, http::Header::via);
  EXPECT_FALSE(table.holds(table.newest() + 1));
  table.set_limit(40);
  EXPECT_EQ(table.size(), 1u);
  table.set_limit(0);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.holds(table.newest()));
}

TEST(HpackTable, WhatIsTooLargeOnlyEmptiesIt) {
  Table table;
  table.set_limit(100);
  table.add("one", "1", {});
  table.add("large", std::string(64, 'x'), {});
  EXPECT_EQ(table.size(), 0u);
  table.add("large", std::string(63, 'x'), {});
  EXPECT_EQ(table.size(), 1u);
}

TEST(HpackTable, AFieldMayBeMadeOfAnother) {
  Table table;
  table.set_limit(200);
  table.add("name", std::string(150, 'v'), {});
  for (int i = 0; i < 100; ++i) {
    table.add(table.name(table.newest()), table.value(table.newest()), {});
    ASSERT_EQ(table.size(), 1u);
    ASSERT_EQ(table.name(table.newest()), "name");
    ASSERT_EQ(table.value(table.newest()), std::string(150, 'v'));
  }
}

// Against a list that does the same the slow way.
TEST(HpackTable, AnyFieldsInAnyOrder) {
  std::minstd_rand random(7541);
  Table table;
  std::deque<std::pair<std::string, std::string>> list;
  std::size_t used = 0, limit = Table::kMost;
  const auto fit = [&](std::size_t most) {
    for (; used > most; list.pop_back()) used -= list.back().first.size() + list.back().second.size() + 32;
  };
  for (int i = 0; i < 20000; ++i) {
    if (random() % 500 == 0) {
      limit = random() % (Table::kMost + 1);
      table.set_limit(static_cast<std::uint32_t>(limit));
      fit(limit);
    }
    const std::string name(random() % 40, static_cast<char>('a' + i % 26));
    const std::string value(random() % (random() % 20 == 0 ? 4200 : 60), static_cast<char>('A' + i % 26));
    const std::size_t size = name.size() + value.size() + 32;
    table.add(name, value, {});
    fit(size > limit ? 0 : limit - size);
    if (size <= limit) list.emplace_front(name, value), used += size;
    ASSERT_EQ(table.size(), list.size());
    for (std::uint32_t age = 0; age < list.size(); ++age) {
      ASSERT_EQ(table.name(table.newest() - age), list[age].first);
      ASSERT_EQ(table.value(table.newest() - age), list[age].second);
    }
  }
}

}  // namespace
}  // namespace sluice::hpack
