#include "proxy/client/http1_output.hpp"

#include "proxy/http1/chunked.hpp"

namespace sluice::client {
namespace {
// A piece this small is copied behind its head: one send instead of a gather.
constexpr std::size_t kCopied = 4096;
}  // namespace

bool Http1Output::add(std::string_view piece, bool last) {
  std::string_view ending;
  if (framing_ == http1::Framing::chunked) {
    if (!piece.empty()) {
      char chunk_head[20];
      copied_.append({chunk_head, http1::encode_chunk_head(chunk_head, piece.size())});
      ending = last ? "\r\n0\r\n\r\n" : "\r\n";
    } else if (last) {
      ending = "0\r\n\r\n";
    }
  }
  const bool copy = piece.size() <= kCopied;
  if (copy) {
    copied_.append(piece);
    copied_.append(ending);
    piece = ending = {};
  }
  gather(piece, ending);
  return copy;
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
