#include "proxy/base/frames.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t kClass = 64;     // frame sizes are rounded up to this
constexpr std::size_t kClasses = 160;  // below 10 KiB; larger frames go to malloc

struct FreeFrame {
  FreeFrame* next;
};

// Small frames are cut off slabs, one after the other: a stream has a dozen, and malloc would add 16 bytes to
// each. Slabs are never given back, not even at a thread's end, which an object with a frame may outlive. The
// sanitizers are to see each frame by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostCut = 0;
#else
constexpr std::size_t kMostCut = 2 * 1024;
#endif
constexpr std::size_t kSlab = 64 * 1024;

struct Lists {
  FreeFrame* free[kClasses];
  char *cut_at, *cut_end;  // what is left of the last slab
};

// Without a destructor, so that whoever uses it need not ask whether it is there already.
constinit thread_local Lists lists = {};

struct FrameCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~FrameCleaner() {
    for (std::size_t i = kMostCut / kClass + 1; i < kClasses; ++i)
      while (FreeFrame* const frame = lists.free[i]) {
        lists.free[i] = frame->next;
        std::free(frame);
      }
  }
};
thread_local FrameCleaner frame_cleaner;

void* get_memory(std::size_t size) {
  frame_cleaner.needed = true;  // from the thread's first frame on
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void* cut(std::size_t size) {
  if (static_cast<std::size_t>(lists.cut_end - lists.cut_at) < size) {
    lists.cut_at = static_cast<char*>(get_memory(kSlab));
    lists.cut_end = lists.cut_at + kSlab;
  }
  return std::exchange(lists.cut_at, lists.cut_at + size);
}

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index >= kClasses) return get_memory(size);
  if (FreeFrame* const frame = lists.free[index]) {
    lists.free[index] = frame->next;
    return frame;
  }
  return index * kClass <= kMostCut ? cut(index * kClass) : get_memory(index * kClass);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index >= kClasses) return std::free(frame);
  lists.free[index] = new (frame) FreeFrame{lists.free[index]};
}

}  // namespace sluice
