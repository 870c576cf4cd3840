// Log-linear latency histogram in microseconds: 64 sub-buckets an octave, so a reported value (a bucket's
// upper edge) is at most 1/64 above the recorded one. One writer (a worker), any number of readers; a reader
// may see a count a few records old, never torn.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::observe {

struct HistogramLayout {
  static constexpr unsigned kSubBits = 6;
  static constexpr unsigned kSub = 1u << kSubBits;
  // Up to 2^32 us, about 71 minutes; longer ones count in the last bucket.
  static constexpr unsigned kOctaves = 26;
  static constexpr std::size_t kBuckets = kSub * (kOctaves + 1);

  static constexpr std::size_t index(std::uint64_t micros) {
    if (micros < kSub) return micros;
    const unsigned exponent = 63u - static_cast<unsigned>(std::countl_zero(micros));
    const unsigned octave = exponent - kSubBits + 1;
    if (octave > kOctaves) return kBuckets - 1;
    return octave * kSub + ((micros >> (exponent - kSubBits)) & (kSub - 1));
  }
  // The largest value that falls into bucket `i`, in microseconds.
  static constexpr std::uint64_t upper(std::size_t i) {
    if (i < kSub) return i;
    const unsigned octave = static_cast<unsigned>(i / kSub);
    return ((static_cast<std::uint64_t>(i % kSub) + kSub + 1) << (octave - 1)) - 1;
  }
};

// Merged counts: a plain value that readers add up and subtract.
struct HistogramCounts {
  std::vector<std::uint64_t> buckets = std::vector<std::uint64_t>(HistogramLayout::kBuckets);
  std::uint64_t count = 0;
  std::uint64_t sum_micros = 0;

  HistogramCounts& operator-=(const HistogramCounts& earlier);
  HistogramCounts& operator+=(const HistogramCounts& other);
  // The value below or at which `q` (0..1) of the records lie, in microseconds; 0 without records.
  std::uint64_t quantile(double q) const;
  // Records of at most `micros`.
  std::uint64_t at_most(std::uint64_t micros) const;
};

// Its memory is half a kilobyte for each octave in which something was recorded.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  ~Histogram();

  void record(std::uint64_t micros) {  // the one writer
    const std::size_t i = HistogramLayout::index(micros);
    std::atomic<Octave*>& place = octaves_[i / HistogramLayout::kSub];
    Octave* octave = place.load(std::memory_order_relaxed);
    if (!octave) octave = make(place);
    bump((*octave)[i % HistogramLayout::kSub], 1);
    bump(sum_, micros);
  }
  // Any thread: visit(bucket, how many), in the order of the buckets; most of those without any are left out.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t i = 0; i < octaves_.size(); ++i) {
      const Octave* const octave = octaves_[i].load(std::memory_order_acquire);
      if (!octave) continue;
      std::size_t bucket = i * HistogramLayout::kSub;
      for (const auto& counter : *octave) visit(bucket++, counter.load(std::memory_order_relaxed));
    }
  }
  std::uint64_t sum_micros() const { return sum_.load(std::memory_order_relaxed); }
  void add_to(HistogramCounts& out) const;

 private:
  using Octave = std::array<std::atomic<std::uint64_t>, HistogramLayout::kSub>;

  static Octave* make(std::atomic<Octave*>& place);
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::array<std::atomic<Octave*>, HistogramLayout::kOctaves + 1> octaves_{};  // null: nothing was recorded
  std::atomic<std::uint64_t> sum_{0};
};

}  // namespace sluice::observe
