// X1, X2: a body of chunks, up to and with its trailers.
#include <string>

#include "proxy/http1/chunked.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/unit/http1/lines.hpp"

namespace sluice::fuzz {
namespace {

using namespace http1;

struct Read {
  bool done = false, refused = false;
  std::size_t consumed = 0;
  std::string body, trailers;
};

Read read_chunks(std::string_view bytes, const http1::testing::Cut& cut) {
  Read read;
  ChunkedDecoder decoder;
  for (std::size_t at = 0; at < bytes.size() && !read.done && !read.refused;) {
    std::string_view piece = bytes.substr(at, cut(at));
    at += piece.size();
    while (!piece.empty() && !read.done && !read.refused) {
      const BodyStep step = decoder.next(piece);
      read.body.append(step.data);
      read.consumed += step.consumed;
      piece.remove_prefix(step.consumed);
      read.refused = step.kind == BodyStep::Kind::refused;
      read.done = decoder.done();
      require(step.kind != BodyStep::Kind::more || piece.empty(), "who wants more has taken all");
    }
  }
  read.trailers = http1::testing::lines(decoder.trailers());
  require(read.refused == (decoder.refusal().reason != nullptr), "a refusal says why");
  return read;
}

// As a session writes it: a chunk for the body, then the end.
std::string written(const Read& read) {
  ChunkHead head;
  std::string out;
  if (!read.body.empty())
    out.append(head.data(), encode_chunk_head(head, read.body.size())).append(read.body).append("\r\n");
  return out.append("0\r\n").append(read.trailers).append("\r\n");
}

}  // namespace

void chunked_body(std::string_view bytes) {
  using namespace http1::testing;
  const Read whole = read_chunks(bytes, at_once), cut = read_chunks(bytes, cut_of(bytes));
  require(whole.done == cut.done && whole.refused == cut.refused,
          "X2: the verdict depends on how the bytes came");
  if (!whole.done) return;
  require(whole.body == cut.body && whole.trailers == cut.trailers && whole.consumed == cut.consumed,
          "X2: what is read depends on how the bytes came");
  const std::string anew = written(whole);
  const Read again = read_chunks(anew, at_once);
  require(again.done && again.consumed == anew.size(), "X1: what we write ends where it ends");
  require(again.body == whole.body && again.trailers == whole.trailers, "X1: and says the same");
}

}  // namespace sluice::fuzz
