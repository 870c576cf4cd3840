// The words of a status. Pure.
#pragma once

#include <string_view>

namespace sluice::http {

// "Not Found" for 404; a general word for a status without one.
std::string_view reason_phrase(int status);

}  // namespace sluice::http
