#include "proxy/base/frames.hpp"

#include <cstdlib>
#include <new>

namespace sluice {
namespace {

struct FrameCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~FrameCleaner() {
    for (detail::FreeFrame*& list : detail::frame_lists)
      while (detail::FreeFrame* const frame = list) {
        list = frame->next;
        std::free(frame);
      }
  }
};
thread_local FrameCleaner frame_cleaner;

}  // namespace

namespace detail {

constinit thread_local FreeFrame* frame_lists[kFrameClasses] = {};

void* new_frame(std::size_t size) {
  frame_cleaner.needed = true;  // from the thread's first frame on
  void* const fresh = std::malloc(size);
  if (!fresh) throw std::bad_alloc();
  return fresh;
}

void delete_frame(void* frame) noexcept { std::free(frame); }

}  // namespace detail
}  // namespace sluice
