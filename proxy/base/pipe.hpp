// Bytes on their way from one socket to another that nobody needs to see: they stay in the kernel, in a pipe
// that is borrowed from its thread's pool (splice(2)). What a Buffer is to bytes in memory. Worker only: a
// Pipe never changes threads while it holds something. SIGPIPE must be ignored.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace sluice {

// Bytes of a body that are to come at least for them to go by a pipe (bench/NOTES.md).
constexpr std::uint64_t kWorthAPipe = 32 * 1024;

class Pipe {
 public:
  // The most that one turn brings: what a slow reader makes wait here, and what the others of its worker
  // wait for. The kernel makes one packet of it. A second one right behind may be paced (BBR), which costs a
  // timer and more than the copies that a pipe saves (bench/NOTES.md).
  static constexpr std::uint32_t kRoom = 48 * 1024;
  static constexpr std::uint32_t kCrumb = 8 * 1024;  // too little for a turn of its own
  // Pipes of a thread that hold bytes at the same time. More than one do so only where receivers are slow:
  // beyond this their bytes go through memory, and no descriptors are taken from others.
  static constexpr std::uint32_t kMost = 64;

  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { release(); }

  // How much one fill() is to bring of `left` bytes.
  static constexpr std::uint32_t piece_of(std::uint64_t left) {
    return left > kRoom + kCrumb ? kRoom : static_cast<std::uint32_t>(left);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Takes what the socket has, at most `most` bytes, as recv(2) does: 0 is the end, -1 with errno nothing. It
  // may leave bytes there with less than `most` here. EMFILE: no pipe can be had; nothing was looked at.
  // Requires: empty().
  ssize_t fill(int socket, std::size_t most);
  // Gives the socket what it takes, as send(2) does. With `more` the kernel may wait for what follows.
  // Requires: not empty().
  ssize_t drain(int socket, bool more);
  // What is here is lost.
  void release() {
    if (in_ >= 0) give_back();
  }

 private:
  bool borrow();
  void give_back();

  int out_ = -1, in_ = -1;  // in_: where bytes go in; -1: none is borrowed
  std::size_t size_ = 0;
};

}  // namespace sluice
