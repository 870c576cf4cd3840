// Blocks of a sound form as requests and answers. Pure; the views of a head point into its block.
#pragma once

#include <cstdint>
#include <vector>

#include "proxy/h2/field_block.hpp"
#include "proxy/http/message.hpp"
#include "proxy/http/refusal.hpp"

namespace sluice::h2 {

// What is asked, or why it is not taken and what to answer; then `out` is filled as far as it can be, for the
// log. `end`: nothing follows. An extended CONNECT for a WebSocket (RFC 8441) is read as the GET that it
// stands for, with `upgrade` set: what follows is a tunnel's. Joins the block's cookies.
http::Refusal read_request(FieldBlock& block, bool end, std::uint32_t max_target, http::RequestHead& out);

// `request_was_head`: HEAD was asked. Requires of this and the next: the block is not too large.
void read_answer(const FieldBlock& block, bool end, bool request_was_head, http::ResponseHead& out);

// The fields that may go on as trailers.
void read_trailers(const FieldBlock& block, std::vector<http::Field>& out);

}  // namespace sluice::h2
