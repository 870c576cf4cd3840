// The C library's own functions are replaced for this program: steady_clock and the poller call them.
#include "simulated_kernel.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace {

std::int64_t now_ns = 1'000'000'000'000;
bool sleeps = false;

// As the daemon does: splice(2) to a client that has left raises it.
[[maybe_unused]] const auto broken_pipe = std::signal(SIGPIPE, SIG_IGN);

}  // namespace

// A little passes with every look, so that who waits for a deadline in a loop comes to its end.
extern "C" int clock_gettime(clockid_t clock, timespec* time) {
  if (clock != CLOCK_MONOTONIC) return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  now_ns += 1'000;
  time->tv_sec = now_ns / 1'000'000'000;
  time->tv_nsec = now_ns % 1'000'000'000;
  return 0;
}

extern "C" int epoll_wait(int set, epoll_event* events, int most, int timeout) {
  const auto count = ::syscall(SYS_epoll_pwait, set, events, most, 0, nullptr, 0);
  sleeps = timeout != 0 && count == 0;
  return static_cast<int>(count);
}

namespace sluice::pairings {

void pass(std::chrono::milliseconds time) { now_ns += time.count() * 1'000'000; }
bool loop_sleeps() { return sleeps; }

}  // namespace sluice::pairings
