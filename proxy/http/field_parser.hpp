// llhttp, strict, over the field lines of one complete head.
#pragma once

#include <string_view>

#include "proxy/http/message.hpp"

namespace sluice::http {

// Fills `out` with the fields of `lines` (from behind the start line up to and including the empty line).
// False when llhttp refuses them. Requires: HeadScanner found the head complete; `has_tab` as it says.
bool parse_request_fields(std::string_view lines, bool has_tab, Fields& out);
bool parse_response_fields(std::string_view lines, bool has_tab, Fields& out);

}  // namespace sluice::http
