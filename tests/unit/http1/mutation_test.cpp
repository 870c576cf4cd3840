// X1, X2 beyond the tables: cases are broken at random; whatever is still taken must mean the same however it
// is cut, and must be clean when it is written for the next hop.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "tests/unit/http1/cases.hpp"
#include "tests/unit/http1/stream.hpp"

namespace sluice::http1::testing {
namespace {

constexpr unsigned kSeed = 20240607;
constexpr int kMutations = 20000;

using Random = std::mt19937;

std::size_t below(std::size_t n, Random& random) {
  return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
}

// The mutations of http-garden: a byte goes, comes or changes, or one of the bytes that end and separate
// things comes in.
std::string mutate(std::string bytes, Random& random) {
  static const std::string kSeparators[] = {"\r\n", "\r", "\n",  std::string(1, '\0'), ":", "\t", " ",
                                            ",",    ";",  "\x85"};
  const std::size_t at = below(bytes.size(), random);
  switch (below(4, random)) {
    case 0:
      bytes.erase(at, 1);
      break;
    case 1:
      bytes[at] = static_cast<char>(below(256, random));
      break;
    case 2:
      bytes.insert(at, 1, static_cast<char>(below(256, random)));
      break;
    default:
      bytes.insert(at, kSeparators[below(std::size(kSeparators), random)]);
      break;
  }
  return bytes;
}

// Short ones: what is long is long for the limits' sake.
std::vector<Case> small_cases(std::vector<Case> cases) {
  std::erase_if(cases, [](const Case& c) { return c.raw.size() > 300; });
  return cases;
}

Cut random_cut(Random& random) {
  return [&random](std::size_t) { return 1 + below(40, random); };
}

Reading comparable(Reading reading) {
  if (reading.outcome == Outcome::refused) reading.content.clear();
  return reading;
}

TEST(Mutations, X2_MeanTheSameHoweverTheyAreCut) {
  Random random(kSeed);
  const auto requests = small_cases(own_request_cases()), responses = small_cases(own_response_cases());
  int taken = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string request = mutate(requests[below(requests.size(), random)].raw, random);
    const Reading whole = comparable(read_requests(request, at_once));
    taken += whole.outcome == Outcome::complete;
    ASSERT_EQ(comparable(read_requests(request, random_cut(random))), whole)
        << "seed " << kSeed << ": " << request;
    const std::string response = mutate(responses[below(responses.size(), random)].raw, random);
    ASSERT_EQ(comparable(read_responses(response, false, true, random_cut(random))),
              comparable(read_responses(response, false, true, at_once)))
        << "seed " << kSeed << ": " << response;
  }
  EXPECT_GT(taken, kMutations / 100) << "the mutations leave too little to look at";
}

// Read back by the same strict reader, a head that we write has the meaning of the one that we took.
TEST(Mutations, X1_WhatIsForwardedIsClean) {
  Random random(kSeed);
  const auto cases = small_cases(own_request_cases());
  int forwarded = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string bytes = mutate(cases[below(cases.size(), random)].raw, random);
    RequestParser parser;
    RequestHead head;
    if (parser.parse(bytes, head) != Status::done) continue;
    Buffer out;
    write_request(head, http::ForwardContext{.client_ip = "::1", .proto = "http", .default_host = "d"}, out);

    RequestParser again;
    RequestHead read_back;
    ASSERT_EQ(again.parse(out.view(), read_back), Status::done) << "seed " << kSeed << ": " << bytes;
    ASSERT_EQ(read_back.size, out.size());
    ASSERT_EQ(read_back.method, head.method);
    ASSERT_EQ(read_back.path, head.path);
    ASSERT_EQ(read_back.query, head.query);
    ASSERT_EQ(read_back.host, head.host.empty() ? "d" : head.host);
    ASSERT_EQ(read_back.framing, head.framing);
    ASSERT_EQ(read_back.content_length, head.content_length);
    ++forwarded;
  }
  EXPECT_GT(forwarded, kMutations / 100);
}

// A head whose fields are all printed one by one.
RequestHead by_fields(const RequestHead& head) {
  RequestHead copy = head;
  copy.fields.clear();
  for (const http::Field& field : head.fields) copy.fields.push({field.name, field.value, field.id});
  return copy;
}

std::string written(const RequestHead& head, bool trusted) {
  Buffer out;
  http::ForwardContext context{.client_ip = "::1", .trusted = trusted, .proto = "http", .default_host = "d"};
  context.drop_cookie = "a";
  write_request(head, context, out);
  return std::string(out.view());
}

// A request of fields that pass, that do not and that are said otherwise, each with more or less blank.
std::string random_head(Random& random) {
  static const std::string kLines[] = {"A: 1",
                                       "B: 22 22",
                                       "C:3",
                                       "D:  4",
                                       "E: 5 ",
                                       "F:\t6",
                                       "Cookie: a=1",
                                       "Cookie: b=2; a=3",
                                       "Via: 1.0 x",
                                       "Keep-Alive: 5",
                                       "TE: trailers",
                                       "Connection: B",
                                       "Upgrade: x",
                                       "Content-Length: 0",
                                       "X-Sluice-Q: 1",
                                       "Max-Forwards: 3",
                                       "traceparent: z",
                                       "tracestate: q",
                                       "G:",
                                       "X-Forwarded-For: q",
                                       "Forwarded: q",
                                       "X-Request-ID: r",
                                       "Client_Cert: q",
                                       "Trailer: t"};
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (std::size_t left = below(9, random); left > 0; --left)
    head += kLines[below(std::size(kLines), random)] + "\r\n";
  return head + "\r\n";
}

// X1: lines that go on in one piece are byte for byte what would be printed of their fields.
TEST(Mutations, X1_LinesAreWhatIsPrinted) {
  Random random(kSeed);
  int lines = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string whole = random_head(random);
    const std::string bytes = i % 4 ? whole : mutate(whole, random);
    RequestParser parser;
    RequestHead head;
    if (parser.parse(bytes, head) != Status::done) continue;
    for (const http::Field& field : head.fields) lines += field.is_line;
    ASSERT_EQ(written(head, i % 2), written(by_fields(head), i % 2)) << "seed " << kSeed << ": " << bytes;
  }
  EXPECT_GT(lines, kMutations / 2);
}

}  // namespace
}  // namespace sluice::http1::testing
