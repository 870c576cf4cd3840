#include "proxy/h2/library_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "proxy/base/frames.hpp"

namespace sluice::h2 {
namespace {

// Keeps what follows it aligned.
struct alignas(std::max_align_t) Head {
  std::size_t size;  // of the whole piece
};

Head* head_of(void* piece) { return static_cast<Head*>(piece) - 1; }

void* get_piece(std::size_t size, void*) {
  if (size > PTRDIFF_MAX - sizeof(Head)) return nullptr;
  try {
    return new (allocate_frame(sizeof(Head) + size)) Head{sizeof(Head) + size} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void put_piece(void* piece, void*) {
  if (piece) free_frame(head_of(piece), head_of(piece)->size);
}

void* get_zeros(std::size_t count, std::size_t size, void* user) {
  if (size != 0 && count > PTRDIFF_MAX / size) return nullptr;
  void* const piece = get_piece(count * size, user);
  if (piece) std::memset(piece, 0, count * size);
  return piece;
}

void* resize_piece(void* piece, std::size_t size, void* user) {
  void* const other = get_piece(size, user);
  if (!other || !piece) return other;
  std::memcpy(other, piece, std::min(size, head_of(piece)->size - sizeof(Head)));
  put_piece(piece, user);
  return other;
}

}  // namespace

nghttp2_mem* library_memory() {
  static nghttp2_mem memory{nullptr, get_piece, put_piece, get_zeros, resize_piece};
  return &memory;
}

}  // namespace sluice::h2
