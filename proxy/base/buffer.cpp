#include "proxy/base/buffer.hpp"

#include <cstdlib>
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

// Freed blocks of the two usual sizes, kept for the next connection of this thread: those given back last
// come first, for they are in the cache.
struct FreeBlock {
  FreeBlock* next;
};
struct BlockList {
  FreeBlock* first = nullptr;
  std::size_t size = 0;
};
constexpr std::size_t kKept = 1024;  // blocks of each size; 16 MiB of small ones at most

// Without a destructor, so that whoever uses it need not ask whether it is there already.
constinit thread_local BlockList small_blocks, large_blocks;

struct Cleaner {
  bool needed = false;
  ~Cleaner() {
    for (BlockList* list : {&small_blocks, &large_blocks})
      while (FreeBlock* const block = list->first) {
        list->first = block->next;
        open_block(reinterpret_cast<char*>(block), list == &small_blocks ? Buffer::kSmall : Buffer::kLarge);
        std::free(block);
      }
  }
};
thread_local Cleaner cleaner;

char* new_block(std::size_t size) {
  static_cast<void>(&cleaner);  // it is there from the thread's first block on
  char* const block = static_cast<char*>(std::malloc(size));
  if (!block) throw std::bad_alloc();
  return block;
}

char* get_block(BlockList& list, std::size_t size) {
  FreeBlock* const block = list.first;
  if (!block) return new_block(size);
  list.first = block->next;
  --list.size;
  open_block(reinterpret_cast<char*>(block), size);
  return reinterpret_cast<char*>(block);
}

void put_block(BlockList& list, char* block, std::size_t size) {
  if (list.size == kKept) return std::free(block);
  list.first = new (block) FreeBlock{list.first};
  ++list.size;
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
  if (capacity == kSmall)
    data_ = get_block(small_blocks, capacity);
  else
    data_ = capacity == kLarge ? get_block(large_blocks, capacity) : new_block(capacity);
  capacity_ = capacity;
}

bool Buffer::grow() {
  if (capacity_ >= kLarge) return false;
  make_room(kLarge - size());
  return true;
}

void Buffer::make_room(std::size_t n) {
  const std::size_t wanted = size() + n;
  std::size_t capacity = wanted <= kSmall ? kSmall : wanted <= kLarge ? kLarge : wanted * 2;
  if (data_ && capacity_ >= wanted) {
    compact();
    return;
  }
  Buffer larger;
  larger.acquire(capacity);
  if (!empty()) std::memcpy(larger.data_, data(), size());
  larger.end_ = size();
  swap(larger);
}

void Buffer::give_back() {
  if (capacity_ == kSmall)
    put_block(small_blocks, data_, kSmall);
  else if (capacity_ == kLarge)
    put_block(large_blocks, data_, kLarge);
  else
    std::free(data_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace sluice
