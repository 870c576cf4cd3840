// Random numbers for ids and jitter (xoshiro256++, Blackman and Vigna 2019), seeded from the kernel. Not for
// secrets. Worker only.
#pragma once

#include <sys/random.h>

#include <array>
#include <bit>
#include <cstdint>

namespace sluice {

class Random {
 public:
  Random() {
    while (getrandom(state_.data(), sizeof state_, 0) != sizeof state_) {
    }
  }
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace sluice
