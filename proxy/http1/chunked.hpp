// The chunked transfer coding (RFC 9112 7.1): a strict decoder that copies no data, and the lines that the
// proxy writes itself. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http1/chunk_line.hpp"
#include "proxy/http1/head_scanner.hpp"
#include "proxy/http1/trailers.hpp"

namespace sluice::http1 {

// What a body reader made of the front of its input.
struct BodyStep {
  enum class Kind : std::uint8_t {
    more,     // nothing (further) to give; all input is consumed
    data,     // `data` is a piece of the body
    done,     // the message is complete; behind `consumed` the next message begins
    refused,  // malformed; nothing after this can be trusted
  };
  Kind kind;
  std::size_t consumed;   // bytes to take off the front of the input (after `data` was used)
  std::string_view data;  // within the consumed bytes
};

class ChunkedDecoder {
 public:
  // Bytes of chunk extensions and needless zeros may exceed those of the data by this much (CVE-2024-22019: a
  // peer that sends nothing but overhead). Small chunks are no waste.
  static constexpr std::int64_t kMaxWaste = 16 * 1024;

  BodyStep next(std::string_view in);
  bool done() const { return state_ == State::done; }
  // What is left of the chunk under way.
  std::uint64_t known() const { return state_ == State::data ? left_ : 0; }
  // So much of it went another way. Requires: at most known().
  void skip(std::uint64_t size);
  // After done: the trailer fields that may go on. Valid until reset().
  std::span<const http::Field> trailers() const { return trailers_.fields(); }
  // Why next() refused.
  Refusal refusal() const;
  void reset();

 private:
  enum class State : std::uint8_t { line, data, data_cr, data_lf, trailers, done, refused };

  State after(char c);

  State state_ = State::line;
  ChunkLine line_;
  std::uint64_t left_ = 0;  // of the current chunk
  std::int64_t budget_ = kMaxWaste;
  Trailers trailers_;
};

// "<hex>\r\n", of 64 bits at most.
using ChunkHead = std::array<char, 18>;
// Writes that of a chunk of n > 0 bytes, returns its length. After the data comes "\r\n".
std::size_t encode_chunk_head(ChunkHead& out, std::size_t n);
// The end of a body of chunks: without trailers, and with them.
constexpr std::string_view kLastChunk = "0\r\n\r\n";
void write_last_chunk(std::span<const http::Field> trailers, Buffer& out);

}  // namespace sluice::http1
