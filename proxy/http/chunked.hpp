// The chunked transfer coding (RFC 9112 7.1): a strict decoder that copies no data, and the chunk head we
// write ourselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/head_check.hpp"

namespace sluice::http {

// What a body reader made of the front of its input.
struct BodyStep {
  enum class Kind : std::uint8_t {
    more,     // nothing (further) to give; all input is consumed
    data,     // `data` is a piece of the body
    done,     // the message is complete; what follows `consumed` is the next one
    refused,  // malformed; nothing after this can be trusted
  };
  Kind kind;
  std::size_t consumed;   // bytes to take off the front of the input (after `data` was used)
  std::string_view data;  // within the consumed bytes
};

class ChunkedDecoder {
 public:
  // Bytes of chunk extensions and of needless zeros may exceed those of the data by this much
  // (CVE-2024-22019: a peer that pays for nothing but overhead).
  static constexpr std::size_t kMaxWaste = 16 * 1024;
  static constexpr std::size_t kMaxTrailerSize = 8 * 1024;
  static constexpr std::size_t kMaxTrailers = 64;

  BodyStep next(std::string_view in);
  bool done() const { return state_ == State::done; }
  // After done: the trailer lines that may go on, each "Name: value\r\n"; without the final empty line.
  std::string_view trailers() const { return trailers_.view(); }
  // Why next() refused.
  Refusal refusal() const { return refusal_; }
  void reset();

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    size_space,
    ext_begin,
    ext_name,
    ext_space,
    ext_value_begin,
    ext_value,
    ext_quoted,
    ext_escaped,
    ext_end,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_space,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
    refused
  };

  State on_size(unsigned char c);
  State on_extension(unsigned char c);
  State on_line_end(unsigned char c);
  State on_trailer(unsigned char c);
  State end_trailer_line();
  State refuse(Refusal why);
  bool keep(char c);

  State state_ = State::size_first;
  std::uint8_t digits_ = 0;
  std::uint16_t trailer_count_ = 0;
  std::uint32_t trailer_size_ = 0;  // received bytes of the trailer block
  std::uint32_t line_size_ = 0;     // of the trailer line being built behind the kept ones, in trailers_
  std::uint32_t name_size_ = 0;
  std::uint64_t left_ = 0;  // of the current chunk
  std::int64_t budget_ = kMaxWaste;
  Refusal refusal_;
  Buffer trailers_;
};

// Writes "<hex>\r\n" for a chunk of n > 0 bytes, returns its length. After the data comes "\r\n"; the end is
// kLastChunk, trailer lines, "\r\n".
std::size_t encode_chunk_head(char out[20], std::size_t n);
constexpr std::string_view kLastChunk = "0\r\n";

}  // namespace sluice::http
