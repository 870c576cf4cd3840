// llhttp's opinion of the fields that frame a message. Pure.
#pragma once

#include <cstdint>

#include "proxy/http1/head_scanner.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// What two readers must agree on before a body is believed: where it ends, and whether the connection goes
// on. llhttp, strict, reads the fields that say so (and no others: they cannot move a byte between two
// messages). False when it refuses them or reads another length or coding.
bool llhttp_agrees(HeadKind kind, const http::Fields& fields, bool chunked, std::uint64_t length);

}  // namespace sluice::http1
