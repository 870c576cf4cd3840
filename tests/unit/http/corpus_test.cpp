// X2, X3: the corpus beside the project. Ambiguity is refused, legal messages are understood, and neither depends on how the bytes
// were cut.
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "tests/unit/http/shared_cases.hpp"
#include "tests/unit/http/stream.hpp"

namespace sluice::http::testing {
namespace {

// Every offset of what is short; of what is long, as many offsets spread over it.
constexpr std::size_t kSplits = 400;

// A message that waits for more is as good as refused: nothing of it was forwarded, and the header or body timeout ends it.
const std::set<std::string> kRefusedByTimeout = {};

template <class Read>
void expect_same_however_cut(const SharedCase& c, const Read& read) {
  const Reading whole = read(at_once);
  // A refused message may have shown its head or part of its body before: only the verdict is compared then.
  const auto verdict = [](Reading r) {
    if (r.outcome == Outcome::refused) r.content.clear();
    return r;
  };
  ASSERT_EQ(verdict(read(byte_by_byte)), verdict(whole)) << c.id << " byte by byte";
  const std::size_t stride = c.raw.size() / kSplits + 1;
  for (std::size_t at = 1; at < c.raw.size(); at += stride)
    ASSERT_EQ(verdict(read(split_at(at))), verdict(whole)) << c.id << " cut at " << at;
}

template <class Read>
void expect_verdict(const SharedCase& c, const Read& read) {
  const Reading reading = read(at_once);
  if (c.expect == Expect::reject) {
    const bool waits = reading.outcome == Outcome::incomplete && kRefusedByTimeout.count(c.id);
    EXPECT_TRUE(reading.outcome == Outcome::refused || waits) << c.id;
  }
  if (c.expect == Expect::accept) {
    EXPECT_EQ(reading.outcome, Outcome::complete) << c.id << ", refused with " << reading.status;
    EXPECT_EQ(reading.messages, c.messages) << c.id;
  }
  expect_same_however_cut(c, read);
}

TEST(Corpus, X2_RequestsOfTheSharedFile) {
  const auto cases = load_shared_cases("http1_requests.jsonl");
  for (const auto& c : cases) expect_verdict(c, [&](const Cut& cut) { return read_requests(c.raw, cut); });
  std::cout << "shared request cases run: " << cases.size() << "\n";
}

TEST(Corpus, X3_ResponsesOfTheSharedFile) {
  const auto cases = load_shared_cases("http1_responses.jsonl");
  for (const auto& c : cases) {
    const bool head = c.request_method == "HEAD";
    expect_verdict(c, [&](const Cut& cut) { return read_responses(c.raw, head, true, cut); });
  }
  std::cout << "shared response cases run: " << cases.size() << "\n";
}

}  // namespace
}  // namespace sluice::http::testing
