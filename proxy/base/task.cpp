#include "proxy/base/task.hpp"

#include <cstdlib>
#include <new>

namespace sluice {
namespace {

constexpr std::size_t kClass = 128;   // frame sizes are rounded up to this
constexpr std::size_t kClasses = 80;  // below 10 KiB; larger frames go to malloc

struct FreeFrame {
  FreeFrame* next;
};

struct FrameLists {
  FreeFrame* lists[kClasses] = {};
  ~FrameLists() {
    for (FreeFrame* frame : lists)
      while (frame) {
        FreeFrame* next = frame->next;
        std::free(frame);
        frame = next;
      }
  }
};

thread_local FrameLists frames;

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index < kClasses && frames.lists[index]) {
    FreeFrame* frame = frames.lists[index];
    frames.lists[index] = frame->next;
    return frame;
  }
  void* fresh = std::malloc(index < kClasses ? index * kClass : size);
  if (!fresh) throw std::bad_alloc();
  return fresh;
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + kClass - 1) / kClass;
  if (index >= kClasses) {
    std::free(frame);
    return;
  }
  frames.lists[index] = new (frame) FreeFrame{frames.lists[index]};
}

}  // namespace sluice
