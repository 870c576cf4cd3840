// Where runs of bytes end: sixteen at a time says what a byte at a time says, wherever the odd one stands.
#include "proxy/http/runs.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

template <class Kind>
void ends_where_a_loop_ends(char filler) {
  ASSERT_TRUE(Kind::has(filler));
  for (std::size_t size = 0; size < 50; ++size) {
    for (std::size_t at = 0; at <= size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, filler);
        if (at < size) text[at] = static_cast<char>(byte);
        const bool stops = at < size && !Kind::has(static_cast<char>(byte));
        const char* const end = text.data() + size;
        const std::size_t stop = stops ? at : size;
        ASSERT_EQ(skip<Kind>(text.data(), end) - text.data(), stop)
            << "byte " << byte << " at " << at << " of " << size;
        ASSERT_EQ(skip_short<Kind>(text.data(), end) - text.data(), stop)
            << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(Runs, OfTextEndWhereALoopEnds) {
  ends_where_a_loop_ends<TextBytes>(' ');
  ends_where_a_loop_ends<TextBytes>('\xff');
}
TEST(Runs, OfNamesEndWhereALoopEnds) { ends_where_a_loop_ends<NameBytes>('q'); }
TEST(Runs, OfTargetsEndWhereALoopEnds) { ends_where_a_loop_ends<TargetBytes>('/'); }
TEST(Runs, OfPathsEndWhereALoopEnds) { ends_where_a_loop_ends<PathBytes>('/'); }
TEST(Runs, OfHostsEndWhereALoopEnds) { ends_where_a_loop_ends<HostBytes>('.'); }

TEST(Runs, KnowTheirBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(TextBytes::has(c), (byte >= 0x20 && byte != 0x7f)) << byte;
    const bool alnum =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    EXPECT_EQ(NameBytes::has(c), alnum || byte == '-') << byte;
    EXPECT_LE(NameBytes::has(c), is_token_char(c)) << byte;
    EXPECT_EQ(TargetBytes::has(c), byte < 0x80 && byte != '#' && byte != ' ') << byte;
    EXPECT_EQ(PathBytes::has(c), TargetBytes::has(c) && byte != '?') << byte;
    EXPECT_EQ(HostBytes::has(c), NameBytes::has(c) || byte == '.') << byte;
  }
}

// The first of two odd bytes counts, also where the last sixteen bytes are looked at a second time.
TEST(Runs, EndAtTheFirst) {
  for (std::size_t first = 0; first < 40; ++first) {
    for (std::size_t second = first + 1; second < 41; ++second) {
      std::string text(41, 'a');
      text[first] = text[second] = '\r';
      EXPECT_EQ(skip<TextBytes>(text.data(), text.data() + text.size()) - text.data(), first);
    }
  }
  // The same of the last eight.
  for (std::size_t first = 0; first < 12; ++first) {
    std::string text(13, 'a');
    text[first] = text[12] = '\r';
    EXPECT_EQ(skip_short<TextBytes>(text.data(), text.data() + text.size()) - text.data(), first);
  }
}

}  // namespace
}  // namespace sluice::http
