#include "proxy/base/frames.hpp"

#include <cstdlib>
#include <new>

namespace sluice {
namespace {

constexpr std::size_t kClass = 128;   // frame sizes are rounded up to this
constexpr std::size_t kClasses = 80;  // below 10 KiB; larger frames go to malloc

struct FreeFrame {
  FreeFrame* next;
};

// Without a destructor, so that whoever uses it need not ask whether it is there already.
constinit thread_local FreeFrame* frame_lists[kClasses] = {};

struct FrameCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~FrameCleaner() {
    for (FreeFrame*& list : frame_lists)
      while (FreeFrame* const frame = list) {
        list = frame->next;
        std::free(frame);
      }
  }
};
thread_local FrameCleaner frame_cleaner;

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index < kClasses && frame_lists[index]) {
    FreeFrame* const frame = frame_lists[index];
    frame_lists[index] = frame->next;
    return frame;
  }
  frame_cleaner.needed = true;  // from the thread's first frame on
  void* const fresh = std::malloc(index < kClasses ? index * kClass : size);
  if (!fresh) throw std::bad_alloc();
  return fresh;
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index >= kClasses) return std::free(frame);
  frame_lists[index] = new (frame) FreeFrame{frame_lists[index]};
}

}  // namespace sluice
