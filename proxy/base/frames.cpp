#include "proxy/base/frames.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace sluice {
namespace {

using detail::kFrameClass;

// Small frames are cut off slabs, one after the other: a stream has a dozen, and malloc would add 16 bytes to
// each. Slabs are never given back, not even at a thread's end, which an object with a frame may outlive. The
// sanitizers are to see each frame by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostCut = 0;
#else
constexpr std::size_t kMostCut = 2 * 1024;
#endif
constexpr std::size_t kSlab = 64 * 1024;

struct Slab {
  char *at, *end;  // what is left of it
};
constinit thread_local Slab slab = {};

struct FrameCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~FrameCleaner() {
    for (std::size_t i = kMostCut / kFrameClass + 1; i < detail::kFrameClasses; ++i)
      while (detail::FreeFrame* const frame = detail::frame_lists[i]) {
        detail::frame_lists[i] = frame->next;
        std::free(frame);
      }
  }
};
thread_local FrameCleaner frame_cleaner;

void* got(void* memory) {
  if (!memory) throw std::bad_alloc();
  frame_cleaner.needed = true;  // from the thread's first frame on
  return memory;
}

void* cut(std::size_t size) {
  if (static_cast<std::size_t>(slab.end - slab.at) < size) {
    slab.at = static_cast<char*>(got(std::aligned_alloc(kFrameClass, kSlab)));
    slab.end = slab.at + kSlab;
  }
  return std::exchange(slab.at, slab.at + size);
}

}  // namespace

namespace detail {

constinit thread_local FreeFrame* frame_lists[kFrameClasses] = {};

void* new_frame(std::size_t size) { return size <= kMostCut ? cut(size) : got(std::malloc(size)); }
void delete_frame(void* frame) noexcept { std::free(frame); }

}  // namespace detail
}  // namespace sluice
