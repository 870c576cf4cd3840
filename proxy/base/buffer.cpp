#include "proxy/base/buffer.hpp"

#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace sluice {
namespace {

// Freed blocks of the two usual sizes, kept for the next connection of this thread.
class BlockPool {
 public:
  static constexpr std::size_t kKept = 1024;  // blocks of each size; 16 MiB of small ones at most

  ~BlockPool() {
    for (auto& list : free_)
      for (char* block : list) std::free(block);
  }
  char* get(std::size_t size) {
    auto& list = list_for(size);
    if (!list.empty()) {
      char* block = list.back();
      list.pop_back();
      return block;
    }
    char* block = static_cast<char*>(std::malloc(size));
    if (!block) throw std::bad_alloc();
    return block;
  }
  void put(char* block, std::size_t size) {
    auto& list = list_for(size);
    const bool usual = size == Buffer::kSmall || size == Buffer::kLarge;
    if (usual && list.size() < kKept) {
      list.push_back(block);
    } else {
      std::free(block);
    }
  }

 private:
  std::vector<char*>& list_for(std::size_t size) { return free_[size == Buffer::kSmall ? 0 : 1]; }
  std::vector<char*> free_[2];
};

thread_local BlockPool blocks;

}  // namespace

void Buffer::swap(Buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(capacity_, other.capacity_);
}

void Buffer::acquire(std::size_t capacity) {
  data_ = capacity <= kLarge ? blocks.get(capacity) : static_cast<char*>(std::malloc(capacity));
  if (!data_) throw std::bad_alloc();
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
  if (capacity_ <= kLarge) {
    blocks.put(data_, capacity_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace sluice
