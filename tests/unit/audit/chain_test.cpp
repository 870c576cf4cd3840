#include "control/audit/chain.hpp"

#include <gtest/gtest.h>

#include "control/audit/verifier.hpp"

namespace sluice::audit {
namespace {

using protocol::AuditVerified;

std::string lines_of(int count, Head& head) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += sealed({{"time", "2026-11-28T10:00:0" + std::to_string(i) + ".000Z"}, {"verb", "split"}}, head);
  return text;
}

std::string lines_of(int count) {
  Head head;
  return lines_of(count, head);
}

// The n-th line, from 1, with its newline.
std::string line_in(const std::string& text, int n) {
  std::size_t begin = 0;
  while (--n > 0) begin = text.find('\n', begin) + 1;
  return text.substr(begin, text.find('\n', begin) + 1 - begin);
}

AuditVerified verified(const std::string& text, const std::optional<Head>& head = std::nullopt) {
  Verifier verifier;
  verifier.file("audit.log");
  verifier.take(text);
  return verifier.end(head);
}

std::string fault_of(const std::string& text, const std::optional<Head>& head = std::nullopt) {
  const auto found = verified(text, head);
  EXPECT_EQ(found.whole, !found.fault);
  return found.fault ? found.fault->file + ":" + std::to_string(found.fault->line) + " " + found.fault->kind
                     : "";
}

// By other means than the code: printf %s '{"verb":"split","number":1,"prev":"000..."' | sha256sum
TEST(Chain, ALineCarriesTheHashOfItsOwnBytesBeforeTheHash) {  // T4
  Head head;
  const std::string line = sealed({{"verb", "split"}}, head);
  EXPECT_EQ(line,
            "{\"verb\":\"split\",\"number\":1,\"prev\":"
            "\"0000000000000000000000000000000000000000000000000000000000000000\","
            "\"hash\":\"549af9a8a760a952969d9f31d60dadd4a69a218c368012b507f6c30c63261ffb\"}\n");
  EXPECT_EQ(head, (Head{1, "549af9a8a760a952969d9f31d60dadd4a69a218c368012b507f6c30c63261ffb"}));
  const auto link = link_in(line.substr(0, line.size() - 1));
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->fits);
  EXPECT_EQ(link->before, kNoHash);
}

TEST(Chain, AWholeLogIsWhole) {
  Head head;
  const std::string text = lines_of(3, head);
  const auto found = verified(text, head);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.lines, 3u);
  EXPECT_EQ(found.since, "2026-11-28T10:00:00.000Z");
  EXPECT_EQ(found.until, "2026-11-28T10:00:02.000Z");
  EXPECT_EQ(found.head.number, 3u);
  EXPECT_EQ(found.head.hash, head.hash);
}

TEST(Chain, PiecesOfAnySizeAreTheSame) {
  const std::string text = lines_of(3);
  for (std::size_t size = 1; size < 40; ++size) {
    Verifier verifier;
    verifier.file("audit.log");
    for (std::size_t at = 0; at < text.size(); at += size)
      verifier.take(std::string_view(text).substr(at, size));
    EXPECT_TRUE(verifier.end(std::nullopt).whole) << size;
  }
}

TEST(Chain, AnyByteThatIsChangedIsFound) {
  const std::string text = lines_of(3);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(verified(other).whole) << i;
  }
}

TEST(Chain, SaysWhichLineAndWhatIsWrongWithIt) {
  const std::string text = lines_of(5), l1 = line_in(text, 1), l2 = line_in(text, 2), l3 = line_in(text, 3),
                    l4 = line_in(text, 4), l5 = line_in(text, 5);
  std::string changed = l3;
  changed.replace(changed.find("split"), 5, "abort");
  EXPECT_EQ(fault_of(l1 + l2 + changed + l4 + l5), "audit.log:3 changed");
  EXPECT_EQ(fault_of(l1 + l2 + "{}\n" + l4 + l5), "audit.log:3 changed");
  EXPECT_EQ(fault_of(l1 + l2 + l4 + l5), "audit.log:3 missing");
  EXPECT_EQ(fault_of(l1 + l2 + l2 + l3), "audit.log:3 inserted");
  EXPECT_EQ(fault_of(l1 + l2 + "{}\n" + l3), "audit.log:3 inserted");
  EXPECT_EQ(fault_of(l1 + l2 + "{}\n"), "audit.log:3 inserted");
  EXPECT_EQ(fault_of(l1 + l2 + l3.substr(0, 30)), "audit.log:3 torn");
  EXPECT_EQ(fault_of(l2 + l1), "audit.log:2 inserted");
  EXPECT_EQ(fault_of("{}\n{}\n"), "audit.log:1 unchained");
}

// A line that was written anew with a hash of its own: the next one shows it.
TEST(Chain, AReplacedLineIsFoundByTheNext) {
  Head head;
  const std::string text = lines_of(2, head);
  Head other;
  const std::string forged = sealed({{"verb", "nothing"}}, other);
  EXPECT_EQ(fault_of(forged + line_in(text, 2)), "audit.log:2 changed");
}

TEST(Chain, AnEndThatWasCutOffIsFoundByWhoKeptTheHead) {
  Head head;
  const std::string text = lines_of(3, head);
  const std::string two = line_in(text, 1) + line_in(text, 2);
  EXPECT_EQ(fault_of(two), "");
  EXPECT_EQ(fault_of(two, head), "audit.log:3 missing");
  Head forged_head;
  std::string forged = lines_of(2, forged_head);
  forged += sealed({{"verb", "other"}}, forged_head);
  EXPECT_EQ(fault_of(forged, head), "audit.log:4 changed");
}

TEST(Chain, GoesOnInTheNextFile) {
  Head head;
  const std::string first = lines_of(2, head), second = lines_of(2, head), third = lines_of(1, head);
  const auto all = [](std::vector<std::string> files) {
    Verifier verifier;
    for (std::size_t i = 0; i < files.size(); ++i) {
      verifier.file("audit.log." + std::to_string(i));
      verifier.take(files[i]);
    }
    return verifier.end(std::nullopt);
  };
  EXPECT_TRUE(all({first, second, third}).whole);
  const auto later = all({second, third});
  EXPECT_TRUE(later.whole);
  EXPECT_EQ(later.first, 3u);
  EXPECT_EQ(later.notes.size(), 1u);
  const auto gap = all({first, third});
  ASSERT_TRUE(gap.fault);
  EXPECT_EQ(gap.fault->file, "audit.log.1");
  EXPECT_EQ(gap.fault->line, 1u);
  EXPECT_EQ(gap.fault->kind, "missing");
}

TEST(Place, IsReadAsItWasWritten) {
  const Place place{{42, hash_of("x")}, 9'000'000'000};
  EXPECT_EQ(place_in(to_text(place)), place);
  EXPECT_EQ(to_text(place).size(), to_text(Place()).size());
  for (const std::string& bad :
       {std::string(), std::string("1 2 3\n"), std::string(107, 'x'), to_text(place) + "\n"})
    EXPECT_EQ(place_in(bad), std::nullopt) << bad;
}

TEST(Resumed, TellsWhatIsNotAsItWasLeft) {
  Head head;
  const std::string text = lines_of(2, head);
  const Place place{head, text.size()};
  EXPECT_EQ(resumed(place, ending_of(text)).told, "");
  EXPECT_EQ(resumed(std::nullopt, ending_of("{}\n{}\n")).told,
            "2 lines without a hash are of an earlier version: the chain begins here");
  EXPECT_EQ(resumed(place, ending_of(text + "{\"time")).told,
            "the last line was not written to its end: 6 bytes of it are left");
  EXPECT_EQ(resumed(place, ending_of(text + "{}\n")).told,
            "1 line without a hash is of another writer, or of an earlier version");
  EXPECT_NE(resumed(place, ending_of(line_in(text, 1))).told.find("lines are missing or changed"),
            std::string::npos);
  EXPECT_EQ(resumed(place, ending_of(line_in(text, 1))).head, head);
  EXPECT_NE(resumed(std::nullopt, ending_of(text)).told.find("audit.head is not there"), std::string::npos);
  Head one;
  const std::string first = lines_of(1, one);
  EXPECT_EQ(resumed(Place{one, first.size()}, ending_of(text)).head,
            head);  // a crash before the place was kept
  EXPECT_EQ(resumed(Place{one, first.size()}, ending_of(text)).told, "");
}

}  // namespace
}  // namespace sluice::audit
