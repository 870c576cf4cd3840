// The corpus beside the project, when it is there: raw messages and what a strict proxy does with each.
#pragma once

#include <string>
#include <vector>

namespace sluice::http::testing {

enum class Expect { reject, accept, either };

struct SharedCase {
  std::string id, raw, request_method;
  Expect expect = Expect::either;
  int messages = 1;
};

// The rows of `file` in $SLUICE_SHARED_CASES, else beside the project; empty when there is no such file. Throws
// std::runtime_error with the line's number for a row it cannot read.
std::vector<SharedCase> load_shared_cases(const std::string& file);

}  // namespace sluice::http::testing
