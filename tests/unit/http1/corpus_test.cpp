// X2, X3: ambiguity is refused, legal messages are understood, and neither depends on how the bytes were cut.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/unit/http1/cases.hpp"
#include "tests/unit/http1/shared_cases.hpp"
#include "tests/unit/http1/stream.hpp"

namespace sluice::http1::testing {
namespace {

// Every offset of what is short; of what is long, as many offsets spread over it.
std::size_t stride(std::size_t size) { return size <= 4096 ? 1 : size / 40; }

// Before a refusal, more or less of the body may have come through; everything else must be the same.
Reading verdict(Reading reading) {
  if (reading.outcome == Outcome::refused) reading.content.clear();
  return reading;
}

template <class Read>
void expect_same_however_cut(const Case& c, const Read& read) {
  const Reading whole = verdict(read(at_once));
  EXPECT_EQ(verdict(read(byte_by_byte)), whole) << c.id << ", byte by byte";
  for (std::size_t at = 1; at < c.raw.size(); at += stride(c.raw.size()))
    ASSERT_EQ(verdict(read(split_at(at))), whole) << c.id << ", cut at " << at;
}

template <class Read>
void expect_verdict(const Case& c, const Read& read) {
  const Reading reading = read(at_once);
  if (c.expect == Expect::reject) {
    EXPECT_EQ(reading.outcome, Outcome::refused) << c.id;
  }
  if (c.expect == Expect::accept) {
    EXPECT_EQ(reading.outcome, Outcome::complete) << c.id << ", refused with " << reading.status;
    EXPECT_EQ(reading.messages, c.messages) << c.id;
  }
  expect_same_however_cut(c, read);
}

void run_requests(const std::vector<Case>& cases, const char* whose) {
  for (const auto& c : cases) expect_verdict(c, [&](const Cut& cut) { return read_requests(c.raw, cut); });
  std::cout << whose << " request cases run: " << cases.size() << "\n";
}

void run_responses(const std::vector<Case>& cases, const char* whose) {
  for (const auto& c : cases)
    expect_verdict(c, [&](const Cut& cut) { return read_responses(c.raw, c.head_request, true, cut); });
  std::cout << whose << " response cases run: " << cases.size() << "\n";
}

TEST(Corpus, X2_OurRequests) { run_requests(own_request_cases(), "own"); }
TEST(Corpus, X3_OurResponses) { run_responses(own_response_cases(), "own"); }

TEST(Corpus, X2_RequestsOfTheSharedFile) {
  const auto cases = load_shared_cases("http1_requests.jsonl");
  if (cases.empty()) GTEST_SKIP() << "no shared cases beside the project";
  run_requests(cases, "shared");
}

TEST(Corpus, X3_ResponsesOfTheSharedFile) {
  const auto cases = load_shared_cases("http1_responses.jsonl");
  if (cases.empty()) GTEST_SKIP() << "no shared cases beside the project";
  run_responses(cases, "shared");
}

}  // namespace
}  // namespace sluice::http1::testing
