// Raw messages and what a strict reader does with each: our own, a few of every kind of trouble. The larger
// corpus beside the project (shared_cases.hpp) is read as well when it is there.
#pragma once

#include <string>
#include <vector>

namespace sluice::http1::testing {

enum class Expect { reject, accept, either };

struct Case {
  std::string id, raw;
  Expect expect = Expect::either;
  int messages = 1;           // that a correct reader sees
  bool head_request = false;  // of an answer: what was asked
};

std::vector<Case> own_request_cases();
std::vector<Case> own_response_cases();

}  // namespace sluice::http1::testing
