#include "proxy/base/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace sluice {
namespace {

constexpr int kSlots = 64;  // references to bytes in the kernel, of which a network's segment has one
constexpr std::uint32_t kMostKept = 8;  // pipes that wait for the next body

struct Ends {
  int out, in;
};

// Of this thread. Those given back last come first.
struct Pool {
  Ends free[kMostKept];
  std::uint32_t kept = 0, lent = 0;
  ~Pool() {
    while (kept > 0) close(free[--kept]);
  }
  static void close(Ends ends) {
    ::close(ends.out);
    ::close(ends.in);
  }
};
thread_local Pool pool;

// Without the right to such a size a pipe has the usual sixteen slots.
bool make(Ends& ends) {
  int fds[2];
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) return false;
  ends = {fds[0], fds[1]};
  static const int page = static_cast<int>(::sysconf(_SC_PAGESIZE));
  ::fcntl(ends.in, F_SETPIPE_SZ, kSlots * page);
  return true;
}

}  // namespace

bool Pipe::borrow() {
  if (in_ >= 0) return true;
  Ends ends{};
  if (pool.kept > 0)
    ends = pool.free[--pool.kept];
  else if (pool.lent >= kMost || !make(ends))
    return false;
  ++pool.lent;
  out_ = ends.out;
  in_ = ends.in;
  return true;
}

// One that holds bytes would give them to another connection: it is closed.
void Pipe::give_back() {
  const Ends ends{std::exchange(out_, -1), std::exchange(in_, -1)};
  --pool.lent;
  if (std::exchange(size_, 0) > 0 || pool.kept == kMostKept) return Pool::close(ends);
  pool.free[pool.kept++] = ends;
}

ssize_t Pipe::fill(int socket, std::size_t most) {
  assert(empty());
  if (!borrow()) {
    errno = EMFILE;
    return -1;
  }
  ssize_t got;
  do {
    got = ::splice(socket, nullptr, in_, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    size_ = static_cast<std::size_t>(got);
  } else {
    const int error = errno;
    release();
    errno = error;
  }
  return got;
}

ssize_t Pipe::drain(int socket, bool more) {
  assert(!empty());
  ssize_t sent;
  do {
    sent = ::splice(out_, nullptr, socket, nullptr, size_,
                    SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0u));
  } while (sent < 0 && errno == EINTR);
  if (sent <= 0) return sent;
  size_ -= static_cast<std::size_t>(sent);
  if (empty()) release();
  return sent;
}

}  // namespace sluice
