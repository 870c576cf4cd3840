// Room for one outstanding Asio operation inside its owner, so that starting it allocates nothing.
// (The custom allocation example of Asio's documentation, for one block.)
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace sluice::net {

template <std::size_t Size = 192>
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  void* allocate(std::size_t size) {
    if (!used_ && size <= Size) {
      used_ = true;
      return block_;
    }
    return ::operator new(size);
  }
  void deallocate(void* pointer) {
    if (pointer == block_) {
      used_ = false;
    } else {
      ::operator delete(pointer);
    }
  }

 private:
  alignas(std::max_align_t) unsigned char block_[Size];
  bool used_ = false;
};

template <class T, class Memory>
class HandlerAllocator {
 public:
  using value_type = T;
  explicit HandlerAllocator(Memory& memory) : memory_(&memory) {}
  template <class U>
  HandlerAllocator(const HandlerAllocator<U, Memory>& other) noexcept : memory_(other.memory_) {}
  T* allocate(std::size_t n) { return static_cast<T*>(memory_->allocate(n * sizeof(T))); }
  void deallocate(T* pointer, std::size_t) { memory_->deallocate(pointer); }
  bool operator==(const HandlerAllocator& other) const { return memory_ == other.memory_; }

 private:
  template <class, class>
  friend class HandlerAllocator;
  Memory* memory_;
};

}  // namespace sluice::net
