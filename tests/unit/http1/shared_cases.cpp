#include "tests/unit/http1/shared_cases.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

namespace sluice::http1::testing {
namespace {

// One escape sequence of JSON or Python at text[at] (behind the backslash); both know these.
char unescape(const std::string& text, std::size_t& at) {
  const char c = text.at(at++);
  if (c == 'x' || c == 'u') {
    const std::size_t digits = c == 'x' ? 2 : 4;
    const auto value = std::stoul(text.substr(at, digits), nullptr, 16);
    at += digits;
    return static_cast<char>(value);
  }
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '0':
      return '\0';
    default:
      return c;
  }
}

std::string unescape_all(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    result += c == '\\' ? unescape(text, at) : c;
  }
  return result;
}

// The text of a JSON string or number at text[at]; arrays are skipped.
std::string take_value(const std::string& text, std::size_t& at) {
  const auto begin = at;
  if (text[at] != '"') {
    at = text[at] == '[' ? text.find(']', at) + 1 : text.find_first_of(",}", at);
    return text.substr(begin, at - begin);
  }
  std::string value;
  for (++at; text.at(at) != '"';) {
    const char c = text[at++];
    value += c == '\\' ? unescape(text, at) : c;
  }
  ++at;
  return value;
}

// A flat JSON object of one line.
std::map<std::string, std::string> read_object(const std::string& text) {
  std::map<std::string, std::string> members;
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at)) {
    const std::string key = take_value(text, at);
    at = text.find_first_not_of(": ", at);
    members[key] = take_value(text, at);
  }
  return members;
}

Expect to_expect(const std::string& word) {
  if (word == "reject") return Expect::reject;
  if (word == "accept") return Expect::accept;
  if (word == "either") return Expect::either;
  throw std::runtime_error("unknown expectation '" + word + "'");
}

std::filesystem::path folder() {
  if (const char* given = std::getenv("SLUICE_SHARED_CASES")) return given;
  return std::filesystem::path(SLUICE_SOURCE_DIR) / ".." / "shared" / "cases";
}

}  // namespace

std::vector<Case> load_shared_cases(const std::string& file) {
  std::vector<Case> cases;
  std::ifstream in(folder() / file);
  for (std::string line; std::getline(in, line);) {
    try {
      auto row = read_object(line);
      Case c{row.at("id"), unescape_all(row.at("raw")), to_expect(row.at("expect"))};
      c.head_request = row["req_method"] == "HEAD";
      if (row.count("n")) c.messages = std::stoi(row["n"]);
      cases.push_back(std::move(c));
    } catch (const std::exception& e) {
      throw std::runtime_error(file + ", row " + std::to_string(cases.size() + 1) + ": " + e.what());
    }
  }
  return cases;
}

}  // namespace sluice::http1::testing
