#include "proxy/base/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace sluice {
namespace {

std::byte* map(int descriptor, std::size_t bytes) {
  void* const base =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  return base == MAP_FAILED ? nullptr : static_cast<std::byte*>(base);
}

}  // namespace

std::shared_ptr<SharedMemory> SharedMemory::make(std::size_t size, std::uint32_t places) {
  const int descriptor = ::memfd_create("sluice", MFD_CLOEXEC);
  if (descriptor < 0) return nullptr;
  const std::size_t bytes = size * places;
  std::byte* const base =
      ::ftruncate(descriptor, static_cast<off_t>(bytes)) == 0 ? map(descriptor, bytes) : nullptr;
  if (!base) return ::close(descriptor), nullptr;
  return std::shared_ptr<SharedMemory>(new SharedMemory(descriptor, base, size, places));
}

std::shared_ptr<SharedMemory> SharedMemory::of(int descriptor, std::size_t size, std::uint32_t places) {
  const std::size_t bytes = size * places;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || static_cast<std::size_t>(status.st_size) != bytes) return nullptr;
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return nullptr;
  std::byte* const base = map(copy, bytes);
  if (!base) return ::close(copy), nullptr;
  return std::shared_ptr<SharedMemory>(new SharedMemory(copy, base, size, places));
}

SharedMemory::SharedMemory(int descriptor, std::byte* base, std::size_t size, std::uint32_t places)
    : descriptor_(descriptor), base_(base), size_(size), places_(places), taken_(places) {}

SharedMemory::~SharedMemory() {
  ::munmap(base_, size_ * places_);
  ::close(descriptor_);
}

std::optional<std::uint32_t> SharedMemory::take() {
  const std::lock_guard held(mutex_);
  if (handed_over_) return std::nullopt;
  while (first_ < places_ && taken_[first_]) ++first_;
  if (first_ == places_) return std::nullopt;
  taken_[first_] = true;
  return first_++;
}

// Whole pages go back to the system; less than that is overwritten by the next object.
void SharedMemory::give_back(std::uint32_t place) {
  const std::lock_guard held(mutex_);
  if (handed_over_) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (size_ % page == 0) ::madvise(at(place), size_, MADV_REMOVE);
  taken_[place] = false;
  first_ = std::min(first_, place);
}

bool SharedMemory::keep(std::uint32_t place) {
  const std::lock_guard held(mutex_);
  if (place >= places_) return false;
  taken_[place] = true;
  return true;
}

void SharedMemory::hand_over() {
  const std::lock_guard held(mutex_);
  handed_over_ = true;
}

std::uint32_t SharedMemory::place_of(const void* object) const {
  return static_cast<std::uint32_t>(static_cast<std::size_t>(static_cast<const std::byte*>(object) - base_) /
                                    size_);
}

}  // namespace sluice
