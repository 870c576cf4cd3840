// The same bytes as three readers understand them: ours, llhttp (strict) and Boost.Beast.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::http1::testing {

enum class Verdict { refused, incomplete, complete };

// Of the first message in the bytes.
struct Opinion {
  Verdict verdict = Verdict::refused;
  std::string start;         // "GET /a" or "200"
  std::string body;          // decoded
  std::size_t consumed = 0;  // bytes of a complete message
  bool operator==(const Opinion&) const = default;
};

Opinion ours(std::string_view bytes, bool is_request);
Opinion llhttps(std::string_view bytes, bool is_request);
Opinion beasts(std::string_view bytes, bool is_request);

std::string to_string(const Opinion& opinion);

}  // namespace sluice::http1::testing
