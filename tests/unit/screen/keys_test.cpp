// From bytes to keys, in whatever pieces they come.
#include "control/screen/keys.hpp"

#include <gtest/gtest.h>

namespace sluice::screen {
namespace {

using Kind = Key::Kind;

std::vector<Key> keys(std::string bytes, bool no_more = true) { return decode(bytes, no_more); }

TEST(ScreenKeys, CharactersAndArrows) {
  EXPECT_EQ(keys("jq"), (std::vector<Key>{{Kind::character, 'j'}, {Kind::character, 'q'}}));
  EXPECT_EQ(keys("\x1b[A\x1b[B\x1bOA\x1bOB"),
            (std::vector<Key>{{Kind::up}, {Kind::down}, {Kind::up}, {Kind::down}}));
  EXPECT_EQ(keys("\x1b[5~\x1b[6~\r"), (std::vector<Key>{{Kind::page_up}, {Kind::page_down}, {Kind::enter}}));
}

TEST(ScreenKeys, WhatIsNotKnownIsOneKeyAndNoText) {
  EXPECT_EQ(keys("\x1b[1;5Ay"), (std::vector<Key>{{Kind::up}, {Kind::character, 'y'}}));
  EXPECT_EQ(keys("\x1b[200~y"), (std::vector<Key>{{Kind::other}, {Kind::character, 'y'}}));
  EXPECT_EQ(keys("\xC3\xBC\x01"), (std::vector<Key>{{}, {}, {}}));
  EXPECT_EQ(keys("\x1by"), (std::vector<Key>{{Kind::other}}));  // Alt-y does not confirm
}

TEST(ScreenKeys, ASequenceInPiecesIsOneKey) {
  std::string bytes = "\x1b";
  EXPECT_TRUE(decode(bytes, false).empty());
  bytes += "[";
  EXPECT_TRUE(decode(bytes, false).empty());
  bytes += "A";
  EXPECT_EQ(decode(bytes, false), (std::vector<Key>{{Kind::up}}));
  EXPECT_TRUE(bytes.empty());
}

TEST(ScreenKeys, EscapeAloneIsAKeyWhenNothingFollows) {
  EXPECT_EQ(keys("\x1b"), (std::vector<Key>{{Kind::escape}}));
}

}  // namespace
}  // namespace sluice::screen
