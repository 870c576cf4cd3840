// recv and send as the hot path wants them: libc's are cancellation points, four atomic operations a call
// that nobody needs here. Where the kernel's convention is known there is no call of libc at all. The
// sanitizers want to see libc's.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace sluice {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline ssize_t receive_bytes(int fd, char* data, std::size_t size) { return ::recv(fd, data, size, 0); }
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) {
  return ::send(fd, data, size, flags);
}
#else
namespace detail {

// recvfrom or sendto without an address.
inline ssize_t transfer(long number, int fd, const void* data, std::size_t size, int flags) {
#if defined(__x86_64__) && defined(__LP64__)
  long result;
  register long in_r10 asm("r10") = flags;
  register long in_r8 asm("r8") = 0;
  register long in_r9 asm("r9") = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(fd), "S"(data), "d"(size), "r"(in_r10), "r"(in_r8), "r"(in_r9)
               : "rcx", "r11", "memory");
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
#else
  return ::syscall(number, fd, data, size, flags, nullptr, 0);
#endif
}

}  // namespace detail

inline ssize_t receive_bytes(int fd, char* data, std::size_t size) {
  return detail::transfer(SYS_recvfrom, fd, data, size, 0);
}
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) {
  return detail::transfer(SYS_sendto, fd, data, size, flags);
}
#endif

}  // namespace sluice
