#include "proxy/http1/chunked.hpp"

#include <algorithm>

#include "proxy/http1/head_writer.hpp"

namespace sluice::http1 {

void ChunkedDecoder::reset() {
  state_ = State::line;
  line_.reset();
  left_ = 0;
  budget_ = kMaxWaste;
  trailers_.reset();
}

BodyStep ChunkedDecoder::next(std::string_view in) {
  using Kind = BodyStep::Kind;
  std::size_t at = 0;
  while (state_ != State::done && state_ != State::refused) {
    if (at == in.size()) return {Kind::more, at, {}};
    if (state_ == State::data) {
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - at));
      skip(taken);
      return {Kind::data, at + taken, in.substr(at, taken)};
    }
    state_ = after(in[at++]);
  }
  return {state_ == State::done ? Kind::done : Kind::refused, at, {}};
}

void ChunkedDecoder::skip(std::uint64_t size) {
  left_ -= size;
  budget_ += static_cast<std::int64_t>(size);
  if (left_ == 0) state_ = State::data_cr;
}

ChunkedDecoder::State ChunkedDecoder::after(char c) {
  switch (state_) {
    case State::line: {
      const Take taken = line_.take(c, budget_);
      if (taken != Take::complete) return taken == Take::more ? state_ : State::refused;
      left_ = line_.size();
      line_.reset();
      return left_ > 0 ? State::data : State::trailers;
    }
    case State::data_cr:
      return c == '\r' ? State::data_lf : State::refused;
    case State::data_lf:
      return c == '\n' ? State::line : State::refused;
    case State::trailers: {
      const Take taken = trailers_.take(c);
      if (taken == Take::complete) return State::done;
      return taken == Take::more ? state_ : State::refused;
    }
    case State::data:
    case State::done:
    case State::refused:
      break;
  }
  return State::refused;
}

Refusal ChunkedDecoder::refusal() const {
  if (state_ != State::refused) return {};
  return trailers_.too_large() ? Refusal{431, "headers"} : Refusal{400, "malformed"};
}

std::size_t encode_chunk_head(ChunkHead& out, std::size_t n) {
  char reversed[16];
  std::size_t digits = 0;
  for (; n > 0; n >>= 4) reversed[digits++] = "0123456789abcdef"[n & 15];
  std::reverse_copy(reversed, reversed + digits, out.begin());
  out[digits] = '\r';
  out[digits + 1] = '\n';
  return digits + 2;
}

void write_last_chunk(std::span<const http::Field> trailers, Buffer& buffer) {
  if (trailers.empty()) return buffer.append(kLastChunk);
  HeadWriter out(buffer);
  out.put("0\r\n");
  for (const http::Field& field : trailers) out.field(field.name, field.value);
  out.end_of_head();
}

}  // namespace sluice::http1
