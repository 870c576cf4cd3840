#include "proxy/base/frames.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace sluice {
namespace {

using detail::kFrameClass;

// Small frames are cut off slabs, one after the other: a stream has a dozen, and malloc would add 16 bytes to
// each. A slab is given back when all of it is free (trim_frames()); not at a thread's end, which an object
// with a frame may outlive. The sanitizers are to see each frame by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostCut = 0;
#else
constexpr std::size_t kMostCut = 2 * 1024;
#endif
constexpr std::size_t kMostCutClass = kMostCut / kFrameClass;

// Begins at a multiple of its size, so that a frame's slab is found by its address.
struct alignas(kFrameClass) Slab {
  static constexpr std::size_t kSize = 64 * 1024;

  // What trim_frames() counts: bytes that are free; of these, those that are in no list any more.
  std::size_t free = 0, taken = 0;
  std::size_t cut = 0;  // bytes, free or not

  char* begin() { return reinterpret_cast<char*>(this + 1); }
  std::size_t room() const { return kSize - sizeof(Slab) - cut; }
  static Slab& of(void* frame) {
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(frame) & ~(kSize - 1));
  }
  static Slab* make();
  void give_back() { ::munmap(this, kSize); }
};
constinit thread_local Slab* slab = nullptr;  // that frames are cut off

// Straight from the kernel: what malloc has back in the midst of its heap it keeps.
Slab* Slab::make() {
  constexpr std::size_t kMapped = 2 * kSize;
  void* const got = ::mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc();
  char* const mapped = static_cast<char*>(got);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (kSize - 1);
  if (before > 0) ::munmap(mapped, before);
  if (before < kSize) ::munmap(mapped + before + kSize, kSize - before);
  return new (mapped + before) Slab;
}

// Those of a class that is not cut: bytes.
std::size_t free_list(std::size_t index) {
  std::size_t bytes = 0;
  while (detail::FreeFrame* const frame = detail::frame_lists[index]) {
    detail::frame_lists[index] = frame->next;
    bytes += index * kFrameClass;
    std::free(frame);
  }
  return bytes;
}

struct FrameCleaner {
  bool needed = false;  // to be touched is what brings it to life
  ~FrameCleaner() {
    for (std::size_t i = kMostCutClass + 1; i < detail::kFrameClasses; ++i) free_list(i);
  }
};
thread_local FrameCleaner frame_cleaner;

void* new_uncut(std::size_t size) {
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  frame_cleaner.needed = true;  // from the thread's first on
  return memory;
}

void* cut(std::size_t size) {
  if (!slab || slab->room() < size) slab = Slab::make();
  return slab->begin() + std::exchange(slab->cut, slab->cut + size);
}

template <class Visit>
void each_cut_frame(Visit visit) {
  for (std::size_t index = 1; index <= kMostCutClass; ++index)
    for (auto** link = &detail::frame_lists[index]; *link;)
      if (!visit(Slab::of(*link), index * kFrameClass, link)) link = &(*link)->next;
}

}  // namespace

namespace detail {

constinit thread_local FreeFrame* frame_lists[kFrameClasses] = {};

void* new_frame(std::size_t size) { return size <= kMostCut ? cut(size) : new_uncut(size); }
void delete_frame(void* frame) noexcept { std::free(frame); }

}  // namespace detail

std::size_t trim_frames() {
  using detail::FreeFrame;
  std::size_t bytes = 0;
  for (std::size_t index = kMostCutClass + 1; index < detail::kFrameClasses; ++index)
    bytes += free_list(index);
  each_cut_frame([](Slab& of, std::size_t size, FreeFrame**) {
    of.free += size;
    return false;
  });
  // A slab that is free has all its frames in lists; it goes with the last that is taken out.
  each_cut_frame([&](Slab& of, std::size_t size, FreeFrame** link) {
    if (of.free != of.cut || &of == slab) return false;
    *link = (*link)->next;
    of.taken += size;
    if (of.taken == of.cut) {
      of.give_back();
      bytes += Slab::kSize;
    }
    return true;
  });
  each_cut_frame([](Slab& of, std::size_t, FreeFrame**) {
    of.free = 0;
    return false;
  });
  return bytes;
}

}  // namespace sluice
