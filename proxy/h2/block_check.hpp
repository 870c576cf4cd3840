// Whether a decoded block is sound in form: everything that RFC 9113 8.1 to 8.3 calls malformed, whatever it
// is asked for. What it means is read afterwards (head_reader.hpp). Pure.
#pragma once

#include <cstdint>

#include "proxy/h2/field_block.hpp"

namespace sluice::h2 {

struct BlockForm {
  const char* flaw = nullptr;        // a literal: what is wrong; null: nothing is
  std::int64_t content_length = -1;  // -1: none is said
  int status = 0;                    // of an answer
  bool is_head = false;              // of a request
};

// A block that is too large is judged by what is there.
BlockForm check_request(const FieldBlock& block);
BlockForm check_answer(const FieldBlock& block);
BlockForm check_trailers(const FieldBlock& block);

}  // namespace sluice::h2
