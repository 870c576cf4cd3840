// Objects in memory that another process can have, too: the one that takes this one's place (sluicectl
// upgrade) goes on with them while this one still does, so that what both count is exact. Any thread.
//
// A memfd of places of one size, all zeros until they are used. It is as large as it may ever be, and takes
// no more memory than was written to. A place that came from another process is not given to another object
// here, since that process may still write to it; the next process may have it. After hand_over()
// all free places are the other process's, and what it uses is not cleared when it is let go here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

class SharedMemory {
 public:
  // Null, with errno, when the system does not have it.
  static std::shared_ptr<SharedMemory> make(std::size_t size, std::uint32_t places);
  // What another process made with the same numbers; null when it is something else. `descriptor` stays the
  // caller's.
  static std::shared_ptr<SharedMemory> of(int descriptor, std::size_t size, std::uint32_t places);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int descriptor() const { return descriptor_; }
  // A place, with whatever was written there before; nothing when there is none left.
  std::optional<std::uint32_t> take();
  void give_back(std::uint32_t place);
  // It is another process's as well. False when there is no such place.
  bool keep(std::uint32_t place);
  void hand_over();
  void* at(std::uint32_t place) const { return base_ + std::size_t{place} * size_; }
  // Requires: `object` lies here.
  std::uint32_t place_of(const void* object) const;

 private:
  SharedMemory(int descriptor, std::byte* base, std::size_t size, std::uint32_t places);

  const int descriptor_;
  std::byte* const base_;
  const std::size_t size_;
  const std::uint32_t places_;
  std::mutex mutex_;
  std::vector<bool> taken_;  // by place
  std::uint32_t first_ = 0;  // no place before it is free
  bool handed_over_ = false;
};

// Of the type T; one that does not fit is an object like any other.
template <class T, std::uint32_t kPlaces>
class SharedObjects {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  template <class... Args>
  std::shared_ptr<T> make(Args&&... args) {
    if (!memory_ && !handed_over_) memory_ = SharedMemory::make(sizeof(T), kPlaces);
    const auto place = memory_ ? memory_->take() : std::nullopt;
    if (!place) return std::make_shared<T>(std::forward<Args>(args)...);
    T* const made = new (memory_->at(*place)) T(std::forward<Args>(args)...);
    return {made, [memory = memory_, place](T*) { memory->give_back(*place); }};
  }

  // Another process has the memory, and makes its objects there. Here they are like any other from now on.
  void hand_over() {
    if (memory_) memory_->hand_over();
    handed_over_ = true;
  }

  // -1: nothing was made.
  int descriptor() const { return memory_ ? memory_->descriptor() : -1; }
  // Where another process finds it.
  std::optional<std::uint32_t> place_of(const std::shared_ptr<T>& object) const {
    const bool here = memory_ && object.get() >= first() && object.get() < first() + kPlaces;
    return here ? std::optional(memory_->place_of(object.get())) : std::nullopt;
  }

  // From here on in the memory of another process. False when it is none of such objects. Requires: nothing
  // was made.
  bool adopt(int descriptor) {
    memory_ = SharedMemory::of(descriptor, sizeof(T), kPlaces);
    return memory_ != nullptr;
  }
  // What that process made; null when there is no such place.
  std::shared_ptr<T> find(std::uint32_t place) {
    if (!memory_ || !memory_->keep(place)) return nullptr;
    return {memory_, std::launder(static_cast<T*>(memory_->at(place)))};
  }

 private:
  T* first() const { return static_cast<T*>(memory_->at(0)); }

  std::shared_ptr<SharedMemory> memory_;
  bool handed_over_ = false;
};

}  // namespace sluice
