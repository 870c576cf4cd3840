// Latencies counted in classes, as HDR histograms do: each octave has 128 of them, so that a value is known
// to 0.8 %. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::bench {

class Histogram {
 public:
  void add(std::uint64_t value) {
    const std::size_t index = class_of(value);
    if (index >= counts_.size()) counts_.resize(index + 1);
    ++counts_[index];
  }

  // Calls `with(least value, count)` for each class that has any, the smallest first.
  void each(auto with) const {
    for (std::size_t index = 0; index < counts_.size(); ++index)
      if (counts_[index] != 0) with(least_of(index), counts_[index]);
  }

 private:
  static constexpr unsigned kClasses = 128;  // of an octave; smaller values than twice that are known exactly

  static std::size_t class_of(std::uint64_t value) {
    if (value < 2 * kClasses) return value;
    const auto octave = static_cast<unsigned>(std::bit_width(value)) - 8u;
    return octave * kClasses + (value >> octave);
  }

  static std::uint64_t least_of(std::size_t index) {
    if (index < 2 * kClasses) return index;
    const std::size_t octave = index / kClasses - 1;
    return (index - octave * kClasses) << octave;
  }

  std::vector<std::uint64_t> counts_;
};

}  // namespace sluice::bench
