// What Expect fields ask for (RFC 9110 10.1.1). Pure.
#pragma once

#include <string_view>

#include "proxy/http/text.hpp"

namespace sluice::http {

struct Expectation {
  bool go_on = false;  // 100-continue
  bool other = false;  // what nobody can meet

  constexpr void read(std::string_view list) {
    while (!list.empty()) (iequals(take_member(list), "100-continue") ? go_on : other) = true;
  }
};

}  // namespace sluice::http
