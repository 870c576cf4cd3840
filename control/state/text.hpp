// Texts that go into logs. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::state {

// `text` as UTF-8 without what a terminal could obey but JSON does not escape: bytes that are no UTF-8, DEL
// and the C1 controls become U+FFFD. (The other control characters are left to JSON.)
std::string printable(std::string_view text);

}  // namespace sluice::state
