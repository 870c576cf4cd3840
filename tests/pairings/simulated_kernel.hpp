// Time as the simulation says, and what the worker's loop asks of the kernel: whether it would sleep now.
#pragma once

#include <chrono>

namespace sluice::pairings {

void pass(std::chrono::milliseconds time);  // of std::chrono::steady_clock, for the whole program
// The last epoll_wait() found nothing, and would have slept.
bool loop_sleeps();

}  // namespace sluice::pairings
