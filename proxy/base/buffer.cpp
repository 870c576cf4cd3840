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
struct BlockList {
  FreeBlock* first = nullptr;
  std::size_t size = 0;
  std::size_t least = 0;  // the smallest that size was since trim_buffers()
};
constexpr std::size_t kMostKept = 16 << 20;  // bytes of each size
constexpr std::size_t kSizes[] = {Buffer::kTiny, Buffer::kSmall, Buffer::kLarge};

// Without a destructor, so that whoever uses it need not ask whether it is there already.
constinit thread_local BlockList block_lists[std::size(kSizes)] = {};  // in the order of kSizes

void free_first(BlockList& list, std::size_t size) {
  FreeBlock* const block = list.first;
  list.first = block->next;
  open_block(reinterpret_cast<char*>(block), size);
  std::free(block);
}

struct BlockCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~BlockCleaner() {
    for (std::size_t i = 0; i < std::size(kSizes); ++i)
      while (block_lists[i].first) free_first(block_lists[i], kSizes[i]);
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
static_assert(kSizes[0] == Buffer::kTiny && kSizes[1] == Buffer::kSmall && kSizes[2] == Buffer::kLarge);

char* get_block(std::size_t size) {
  BlockList* const list = list_for(size);
  FreeBlock* const block = list ? list->first : nullptr;
  if (!block) return new_block(size);
  list->first = block->next;
  list->least = std::min(list->least, --list->size);
  open_block(reinterpret_cast<char*>(block), size);
  return reinterpret_cast<char*>(block);
}

void put_block(char* block, std::size_t size) {
  BlockList* const list = list_for(size);
  if (!list || (list->size + 1) * size > kMostKept) return std::free(block);
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
  data_ = get_block(capacity);
  capacity_ = capacity;
}

bool Buffer::grow() {
  if (capacity_ >= kLarge) return false;
  make_room((capacity_ < kSmall ? kSmall : kLarge) - size());
  return true;
}

void Buffer::make_room(std::size_t n) {
  const std::size_t wanted = size() + n;
  const auto usual =
      std::find_if(std::begin(kSizes), std::end(kSizes), [&](std::size_t size) { return wanted <= size; });
  const std::size_t capacity = usual == std::end(kSizes) ? wanted * 2 : *usual;
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
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    BlockList& list = block_lists[i];
    for (; list.least > 0; --list.least, --list.size, bytes += kSizes[i]) free_first(list, kSizes[i]);
    list.least = list.size;
  }
  return bytes;
}

void Buffer::give_back() {
  put_block(data_, capacity_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace sluice
