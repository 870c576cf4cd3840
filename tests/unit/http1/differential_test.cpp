// X1-X3: our reading of messages held against those of llhttp and Boost.Beast, over generated and broken
// ones. Every difference has to be one that the table explains; any other fails.
#include <gtest/gtest.h>

#include <boost/regex.hpp>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/http1/cases.hpp"
#include "tests/unit/http1/differences.hpp"
#include "tests/unit/http1/other_readers.hpp"

namespace sluice::http1::testing {
namespace {

// SLUICE_SEED: other messages than those of every run.
unsigned seed() {
  const char* given = std::getenv("SLUICE_SEED");
  return given ? static_cast<unsigned>(std::atoi(given)) : 7230;
}
constexpr int kRounds = 200000;

class Table {
 public:
  Table() {
    for (const auto& row : kDifferences)
      patterns_.emplace_back(row.pattern, boost::regex::perl | boost::regex::icase);
    hits_.resize(std::size(kDifferences));
  }

  // The row, or null.
  const Difference* explain(int who, int side, Kind kind, const std::string& bytes) {
    for (std::size_t i = 0; i < std::size(kDifferences); ++i) {
      const auto& row = kDifferences[i];
      if (!(row.who & who) || !(row.side & side) || row.kind != kind ||
          !boost::regex_search(bytes, patterns_[i]))
        continue;
      ++hits_[i];
      return &row;
    }
    return nullptr;
  }
  const std::vector<int>& hits() const { return hits_; }

 private:
  std::vector<boost::regex> patterns_;
  std::vector<int> hits_;
};

class Generator {
 public:
  std::string request() {
    std::string head =
        pick({"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "get", "M-SEARCH"});
    head += " " +
            pick({"/", "/", "/a/b?c=d", "/a/b?c=d", "/%20", "*", "http://h/x", "http://h:80", "//x", "/a#b",
                  "x"}) +
            " ";
    head += pick({"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.0",
                  "HTTP/1.2"}) +
            "\r\n";
    if (below(20)) head += "Host: " + pick({"h", "h", "h:80", "[::1]", "h", "h", "", "a b", "a,b"}) + "\r\n";
    return message(std::move(head));
  }
  std::string answer() {
    return message(joined({pick({"HTTP/1.1 ", "HTTP/1.1 ", "HTTP/1.0 ", "HTTP/2 "}),
                           pick({"200", "204", "304", "404", "500", "100", "599", "99", "1000"}),
                           pick({" OK", " ", "", " Not Found"}), "\r\n"}));
  }
  std::string broken(std::string bytes) {
    static const std::string kSeparators[] = {
        "\r\n", "\r", "\n", std::string(1, '\0'), ":", "\t", " ", ",", ";", "\x85", "\r\n "};
    for (std::size_t i = below(3); i > 0 && !bytes.empty(); --i) {
      const std::size_t at = below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes.erase(at, 1);
          break;
        case 1:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 2:
          bytes.insert(at, 1, static_cast<char>(below(256)));
          break;
        default:
          bytes.insert(at, kSeparators[below(std::size(kSeparators))]);
      }
    }
    return bytes;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  // In this order whatever the compiler: the same seed, the same messages.
  static std::string joined(std::initializer_list<std::string> parts) {
    std::string whole;
    for (const auto& part : parts) whole += part;
    return whole;
  }
  std::string pick(std::initializer_list<const char*> of) { return of.begin()[below(of.size())]; }

  std::string message(std::string head) {
    for (std::size_t i = below(4); i > 0; --i)
      head += joined({pick({"Accept", "X-A", "Cookie", "Connection", "Upgrade", "TE", "User-Agent", "Referer",
                            "Accept-Encoding", "Expect", "Via"}),
                      ":", pick({" ", "", "\t"}),
                      pick({"a", "", "close", "keep-alive", "100-continue", "\"q, r\"", "a\tb ", "\xff"}),
                      "\r\n"});
    std::string body;
    switch (below(5)) {
      case 0:
      case 1:
        head +=
            "Content-Length: " + pick({"0", "4", "4", "4", "+4", "04", "4,4", "", "9999999999999999999999"}) +
            "\r\n";
        body = "blue";
        break;
      case 2:
      case 3:
        head += joined({pick({"Transfer-Encoding", "transfer-encoding"}), ": ",
                        pick({"chunked", "chunked", "chunked", "chunked", "chunked", "Chunked",
                              "gzip, chunked", "chunked, chunked", "identity", ""}),
                        "\r\n"});
        for (std::size_t i = below(3); i > 0; --i)
          body += pick({"4\r\nblue\r\n", "1;a=b\r\nx\r\n", "0a\r\n0123456789\r\n", "2 ;q=\"x;y\"\r\nok\r\n",
                        "4\r\nblueX\r\n"});
        body += pick({"0\r\n\r\n", "0\r\n\r\n", "000;z\r\n\r\n", "0\r\nX-T: 1\r\n\r\n", "0\r\n", ""});
        break;
      default:
        break;
    }
    return head + "\r\n" + body;
  }

  std::mt19937 random_{seed()};
};

Kind kind_of(const Opinion& mine, const Opinion& theirs) {
  if (mine.verdict == Verdict::refused) return Kind::stricter;
  return theirs.verdict == Verdict::refused ? Kind::laxer : Kind::other;
}

std::string printable(const std::string& bytes) {
  std::string text;
  for (char c : bytes) {
    char hex[8];
    const auto byte = static_cast<unsigned char>(c);
    std::snprintf(hex, sizeof hex, byte >= 32 && byte < 127 ? "%c" : "\\x%02x", byte);
    text += hex;
    if (c == '\n') text += "\n  ";
  }
  return text;
}

struct Differences {
  Table table;
  int messages = 0, taken = 0, different = 0, unexplained = 0;

  void compare(const std::string& bytes, bool is_request) {
    const Opinion mine = ours(bytes, is_request);
    ++messages;
    taken += mine.verdict == Verdict::complete;
    against("llhttp", llhttp_, bytes, is_request, mine, llhttps(bytes, is_request));
    against("Beast", beast_, bytes, is_request, mine, beasts(bytes, is_request));
  }

  void against(const char* name, int who, const std::string& bytes, bool is_request, const Opinion& mine,
               const Opinion& theirs) {
    if (mine == theirs) return;
    ++different;
    const Kind kind = kind_of(mine, theirs);
    if (table.explain(who, is_request ? requests_ : answers_, kind, bytes) || ++unexplained > 20) return;
    ADD_FAILURE() << "unexplained: " << kKinds[static_cast<int>(kind)] << " (" << name
                  << ")\n  ours: " << to_string(mine) << "\n  " << name << ": " << to_string(theirs) << "\n  "
                  << printable(bytes);
  }
};

std::vector<std::string> short_ones(const std::vector<Case>& cases) {
  std::vector<std::string> texts;
  for (const auto& c : cases)
    if (c.raw.size() < 400 && !c.head_request) texts.push_back(c.raw);
  return texts;
}

TEST(Differential, X2_LlhttpAndBeastReadTheSame) {
  Differences differences;
  Generator generator;
  const auto requests = short_ones(own_request_cases()), answers = short_ones(own_response_cases());
  for (const auto& text : requests) differences.compare(text, true);
  for (const auto& text : answers) differences.compare(text, false);
  // What few seeds lead to.
  differences.compare("GET http://[:1/ HTTP/1.1\r\nHost: shop\r\n\r\n", true);
  differences.compare("HTTP/1.1 200 OK\r\n\x89", false);
  const std::string tab = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n";
  differences.compare(tab + "4\r\nblueX\r\n", false);
  differences.compare(tab + "0\r\n\r\n", false);
  for (int i = 0; i < kRounds; ++i) {
    const bool is_request = i % 3 != 0, own = i % 4 == 0;
    const auto& cases = is_request ? requests : answers;
    const std::string text = own          ? cases[generator.below(cases.size())]
                             : is_request ? generator.request()
                                          : generator.answer();
    differences.compare(generator.broken(text), is_request);
  }
  EXPECT_EQ(differences.unexplained, 0);
  EXPECT_GT(differences.taken, kRounds / 20) << "too few messages are whole to say anything";
  std::cout << differences.messages << " messages, " << differences.taken << " taken by us; "
            << differences.different << " differences to one of two readers, by their explanation:\n";
  for (std::size_t i = 0; i < std::size(kDifferences); ++i) {
    std::cout << "  " << differences.table.hits()[i] << "  " << kKinds[static_cast<int>(kDifferences[i].kind)]
              << ": " << kDifferences[i].why << "\n";
    EXPECT_GT(differences.table.hits()[i], 0) << "a row that explains nothing: " << kDifferences[i].why;
  }
}

}  // namespace
}  // namespace sluice::http1::testing
