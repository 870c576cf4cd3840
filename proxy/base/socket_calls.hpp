// recv and send as the hot path wants them: libc's are cancellation points, four atomic operations a call
// that nobody needs here. The sanitizers want to see them.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace sluice {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline ssize_t receive_bytes(int fd, char* data, std::size_t size) { return ::recv(fd, data, size, 0); }
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) {
  return ::send(fd, data, size, flags);
}
#else
inline ssize_t receive_bytes(int fd, char* data, std::size_t size) {
  return ::syscall(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr);
}
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}
#endif

}  // namespace sluice
