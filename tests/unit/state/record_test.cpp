#include "control/state/record.hpp"

#include <gtest/gtest.h>

namespace sluice::state {
namespace {

TEST(Record, ChecksumIsCrc32c) {  // the check value of the Castagnoli polynomial; RFC 3720 B.4
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
}

TEST(Record, ComeBackInOrder) {
  const std::string bytes = framed("{1}") + framed("{\"a\":2}") + framed("{}");
  const Records records = records_in(bytes);
  EXPECT_EQ(records.payloads, (std::vector<std::string_view>{"{1}", "{\"a\":2}", "{}"}));
  EXPECT_EQ(records.ending, Ending::clean);
  EXPECT_EQ(records_in("").ending, Ending::clean);
}

TEST(Record, AnIncompleteLastOneIsATornTail) {  // T1
  const std::string first = framed("{\"first\":1}"), second = framed("{\"second\":2}");
  for (std::size_t kept = 1; kept < second.size(); ++kept) {
    const std::string bytes = first + second.substr(0, kept);
    const Records records = records_in(bytes);
    EXPECT_EQ(records.payloads.size(), 1u) << kept;
    EXPECT_EQ(records.ending, Ending::torn) << kept;
  }
}

TEST(Record,
     ATailOfZerosIsATornTail) {  // what a file system may leave of a size that was written before the data
  const Records records = records_in(framed("{\"first\":1}") + std::string(100, '\0'));
  EXPECT_EQ(records.payloads.size(), 1u);
  EXPECT_EQ(records.ending, Ending::torn);
}

TEST(Record, AFlippedBitBeforeAWholeRecordIsDamage) {
  const std::string first = framed("{\"first\":1}"),
                    rest = framed("{\"second\":2}") + framed("{\"third\":3}");
  for (std::size_t bit = 0; bit < first.size() * 8; ++bit) {
    std::string bytes = first + rest;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const Records records = records_in(bytes);
    EXPECT_TRUE(records.payloads.empty()) << bit;
    EXPECT_EQ(records.ending, Ending::damaged) << bit;
  }
}

}  // namespace
}  // namespace sluice::state
