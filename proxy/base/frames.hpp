// Memory for what lives as long as a request: frames of coroutines, heads, streams. Recycled per thread by
// size class, so that a steady request costs no allocation.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace sluice {

namespace detail {

constexpr std::size_t kFrameClass = 64;     // sizes are rounded up to this: lines of the cache
constexpr std::size_t kFrameClasses = 160;  // below 10 KiB; larger ones are not kept
constexpr std::size_t frame_class(std::size_t size) { return (size + kFrameClass - 1) / kFrameClass; }

struct FreeFrame {
  FreeFrame* next;
};
// Without a destructor, so that whoever uses it need not ask whether it is there already.
extern constinit thread_local FreeFrame* frame_lists[kFrameClasses];

void* new_frame(std::size_t size);
void delete_frame(void* frame) noexcept;

}  // namespace detail

// Inline: the size is mostly known where they are called, and the rest is a few instructions.
inline void* allocate_frame(std::size_t size) {
  const std::size_t index = detail::frame_class(size);
  if (index >= detail::kFrameClasses) return detail::new_frame(size);
  detail::FreeFrame*& list = detail::frame_lists[index];
  if (!list) return detail::new_frame(index * detail::kFrameClass);
  return std::exchange(list, list->next);
}
// `size` as it was asked for.
inline void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = detail::frame_class(size);
  if (index >= detail::kFrameClasses) return detail::delete_frame(frame);
  detail::FreeFrame*& list = detail::frame_lists[index];
  list = new (frame) detail::FreeFrame{list};
}

// Gives what is free back to the system, where all around it is free, too: bytes. It looks at every free
// frame of this thread, so it is for the time after a burst.
std::size_t trim_frames();

}  // namespace sluice
