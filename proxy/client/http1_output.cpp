#include "proxy/client/http1_output.hpp"

#include "proxy/http1/chunked.hpp"

namespace sluice::client {
namespace {
// A piece this small is copied behind its head: one send instead of a gather.
constexpr std::size_t kCopied = 4096;
}  // namespace

// Puts the line in front of a chunk; what goes behind it is the result.
std::string_view Http1Output::frame(std::size_t size, bool last) {
  if (size == 0) return last ? http1::kLastChunk : std::string_view();
  http1::ChunkHead chunk_head;
  copied_.append({chunk_head.data(), http1::encode_chunk_head(chunk_head, size)});
  return last ? "\r\n0\r\n\r\n" : "\r\n";
}

bool Http1Output::add(std::string_view piece, bool last) {
  std::string_view ending;
  if (framing_ == http1::Framing::chunked) ending = frame(piece.size(), last);
  const bool copy = piece.size() <= kCopied;
  if (copy) {
    copied_.append(piece);
    copied_.append(ending);
    piece = ending = {};
  }
  gather(piece, ending);
  return copy;
}

void Http1Output::add_piped(Pipe& piece, bool last) {
  ending_ = {};
  if (framing_ == http1::Framing::chunked) ending_ = frame(piece.size(), last);
  piped_ = &piece;
  gather({}, {});
}

bool Http1Output::after_piped() {
  clear();
  copied_.append(ending_);
  gather({}, {});
  return !ending_.empty();
}

bool Http1Output::add_end(std::span<const http::Field> trailers) {
  if (framing_ != http1::Framing::chunked) return add({}, true);
  http1::write_last_chunk(trailers, copied_);
  gather({}, {});
  return true;
}

void Http1Output::gather(std::string_view piece, std::string_view ending) {
  std::size_t count = 0;
  for (const std::string_view bytes : {copied_.view(), piece, ending})
    if (!bytes.empty()) pieces_[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  unsent_ = {pieces_, count};
}

}  // namespace sluice::client
