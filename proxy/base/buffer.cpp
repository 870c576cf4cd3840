#include "proxy/base/buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace sluice {
namespace {

// Under AddressSanitizer whoever still looks into a block that was given back is caught.
#if defined(__SANITIZE_ADDRESS__)
void close_block(const char* block, std::size_t size) { __asan_poison_memory_region(block, size); }
void open_block(const char* block, std::size_t size) { __asan_unpoison_memory_region(block, size); }
#else
void close_block(const char*, std::size_t) {}
void open_block(const char*, std::size_t) {}
#endif

// Freed blocks of the usual sizes, kept for the next connection of this thread: those given back last
// come first, for they are in the cache.
struct FreeBlock {
  FreeBlock* next;
};
constexpr std::size_t kMostKept = 16 << 20;  // bytes of each size
struct BlockList {
  std::size_t block_size;
  std::size_t most = kMostKept / block_size;
  FreeBlock* first = nullptr;
  std::size_t size = 0;
  std::size_t least = 0;  // the smallest that size was since trim_buffers()
};

// Without a destructor, so that whoever uses it need not ask whether it is there already.
constinit thread_local BlockList block_lists[] = {{Buffer::kTiny}, {Buffer::kSmall}, {Buffer::kLarge}};

void free_first(BlockList& list) {
  FreeBlock* const block = list.first;
  list.first = block->next;
  open_block(reinterpret_cast<char*>(block), list.block_size);
  std::free(block);
}

struct BlockCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~BlockCleaner() {
    for (BlockList& list : block_lists)
      while (list.first) free_first(list);
  }
};
thread_local BlockCleaner block_cleaner;

char* new_block(std::size_t size) {
  block_cleaner.needed = true;  // from the thread's first block on
  char* const block = static_cast<char*>(std::malloc(size));
  if (!block) throw std::bad_alloc();
  return block;
}

// Null: the size is none of the usual.
BlockList* list_for(std::size_t size) {
  if (size == Buffer::kSmall) return &block_lists[1];
  if (size == Buffer::kTiny) return &block_lists[0];
  return size == Buffer::kLarge ? &block_lists[2] : nullptr;
}

// Null: none is kept.
char* kept_block(std::size_t size) {
  BlockList* const list = list_for(size);
  FreeBlock* const block = list ? list->first : nullptr;
  if (!block) return nullptr;
  list->first = block->next;
  list->least = std::min(list->least, --list->size);
  open_block(reinterpret_cast<char*>(block), size);
  return reinterpret_cast<char*>(block);
}

void put_block(char* block, std::size_t size) {
  BlockList* const list = list_for(size);
  if (!list || list->size == list->most) return std::free(block);
  list->first = new (block) FreeBlock{list->first};
  ++list->size;
  close_block(block + sizeof(FreeBlock), size - sizeof(FreeBlock));
}

}  // namespace

void Buffer::swap(Buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(capacity_, other.capacity_);
}

void Buffer::acquire(std::size_t capacity) {
  data_ = kept_block(capacity);
  if (!data_) return acquire_new(capacity);
  capacity_ = capacity;
}

// Apart, so that the usual way saves no registers for it.
[[gnu::noinline]] void Buffer::acquire_new(std::size_t capacity) {
  data_ = new_block(capacity);
  capacity_ = capacity;
}

bool Buffer::grow() {
  if (capacity_ >= kLarge) return false;
  make_room((capacity_ < kSmall ? kSmall : kLarge) - size());
  return true;
}

void Buffer::make_room(std::size_t n) {
  const std::size_t wanted = size() + n;
  std::size_t capacity = wanted * 2;
  for (const std::size_t usual : {kLarge, kSmall, kTiny})
    if (wanted <= usual) capacity = usual;
  if (data_ && capacity_ >= wanted) {
    compact();
    return;
  }
  if (!data_) return acquire(capacity);
  Buffer larger;
  larger.acquire(capacity);
  if (!empty()) std::memcpy(larger.data_, data(), size());
  larger.end_ = size();
  swap(larger);
}

std::size_t trim_buffers() {
  std::size_t bytes = 0;
  for (BlockList& list : block_lists) {
    for (; list.least > 0; --list.least, --list.size, bytes += list.block_size) free_first(list);
    list.least = list.size;
  }
  return bytes;
}

void Buffer::give_back() {
  char* const block = std::exchange(data_, nullptr);
  const std::size_t size = std::exchange(capacity_, 0);
  begin_ = end_ = 0;
  put_block(block, size);
}

}  // namespace sluice
