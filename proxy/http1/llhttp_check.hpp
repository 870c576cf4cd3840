// The field lines of one complete head, and llhttp's opinion of those that frame the message.
#pragma once

#include <string_view>

#include "proxy/http1/head_scanner.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// Fills `out` with the fields of `lines` (from behind the start line up to and including the empty line).
// Requires: HeadScanner found the head complete, so that every line is `token:text CRLF`.
void split_fields(std::string_view lines, http::Fields& out);

// What two readers must agree on before a body is believed: where it ends, and whether the connection goes
// on. llhttp, strict, reads the fields that say so (and no others: they cannot move a byte between two
// messages). False when it refuses them or reads another length or coding.
bool llhttp_agrees(HeadKind kind, const http::Fields& fields, bool chunked, std::uint64_t length);

}  // namespace sluice::http1
