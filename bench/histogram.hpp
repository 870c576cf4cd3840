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

  static constexpr std::size_t class_of(std::uint64_t value) {
    if (value < 2 * kClasses) return value;
    const auto octave = static_cast<unsigned>(std::bit_width(value)) - 8u;
    return octave * kClasses + (value >> octave);
  }

  static constexpr std::uint64_t least_of(std::size_t index) {
    if (index < 2 * kClasses) return index;
    const std::size_t octave = index / kClasses - 1;
    return (index - octave * kClasses) << octave;
  }

  // Calls `with(least value, count)` for each class that has any, the smallest first.
  void each(auto with) const {
    for (std::size_t index = 0; index < counts_.size(); ++index)
      if (counts_[index] != 0) with(least_of(index), counts_[index]);
  }

 private:
  static constexpr unsigned kClasses = 128;  // of an octave; smaller values than twice that are known exactly

  std::vector<std::uint64_t> counts_;
};

// A value stands in a class that begins at or below it, less than a 128th of it away.
constexpr bool has_its_class(std::uint64_t value) {
  const std::size_t index = Histogram::class_of(value);
  const std::uint64_t least = Histogram::least_of(index);
  return least <= value && value - least <= value / 128 && Histogram::class_of(least) == index;
}
static_assert(has_its_class(0) && has_its_class(255) && has_its_class(256) && has_its_class(257) &&
              has_its_class(511) && has_its_class(512) && has_its_class(1'000'003) &&
              has_its_class(123'456'789'012) && has_its_class(~0ull));

}  // namespace sluice::bench
