// How fast the long connections of a drain may leave (`--websockets paced:20/s`): they come back at once, to
// whoever gets them now, and so they are closed no faster than that target bears. Additive increase,
// multiplicative decrease, as TCP finds its rate (Chiu and Jain, "Analysis of the Increase and Decrease
// Algorithms for Congestion Avoidance in Computer Networks", 1989). Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::change {

// What backends have done: all of it since their start, or of a part of the time.
struct TargetCounts {
  std::uint64_t requests = 0, errors = 0;          // attempts, and those that failed
  std::uint64_t connects = 0, connect_micros = 0;  // connections made, and the time that they took in all
  std::uint64_t opened = 0, open_micros = 0;       // tunnels, likewise
  std::uint64_t opening = 0;                       // tunnels that are waited for now
  TargetCounts& operator+=(const TargetCounts& more);
};
// What happened between the two; `opening` is the later one's.
TargetCounts since(const TargetCounts& before, const TargetCounts& now);

class PaceControl {
 public:
  static constexpr double kSteps =
      16;  // the slowest pace is this part of the asked one, and so is an increase
  static constexpr std::chrono::milliseconds kInterval{1000};  // between two looks

  // `target`: what those who get the connections have done since their start; `drained`: those who lose them,
  // of whom is learnt what is quiet where the target has had too little to do.
  PaceControl(std::uint32_t asked, const TargetCounts& target, const TargetCounts& drained);

  // What the target has done in the last interval.
  void look(const TargetCounts& interval);

  std::uint32_t asked() const { return asked_; }
  double rate() const { return rate_; }  // connections a second
  // Why it is slower than asked: "a connection takes 80 ms, 3 ms before". Empty: it is not.
  const std::string& slowed() const { return slowed_; }

 private:
  // One kind of wait: its quiet length, once it is known, and what has come since the last judgement.
  struct Wait {
    std::optional<double> quiet_micros;
    std::uint64_t count = 0, micros = 0;
    void learn(std::uint64_t observed, std::uint64_t took);
    // Its mean, when enough has come for one and it is too long.
    std::optional<double> take_long(std::uint64_t observed, std::uint64_t took);
  };
  std::string trouble_in(const TargetCounts& interval);

  const std::uint32_t asked_;
  double rate_;
  double quiet_errors_ = 0;  // part of the attempts
  Wait connecting_, opening_;
  std::string slowed_;
};

// Of `count` connections chosen by chance among all that are open on the workers, how many are whose: so
// none of the workers goes first. At most all of them. `random.next()`: 64 random bits.
template <class Random>
std::vector<std::size_t> share_out(std::size_t count, std::vector<std::size_t> open, Random& random) {
  std::vector<std::size_t> chosen(open.size());
  std::size_t all = 0;
  for (const auto one : open) all += one;
  for (; count > 0 && all > 0; --count, --all) {
    std::size_t place = random.next() % all, worker = 0;
    while (place >= open[worker]) place -= open[worker++];
    --open[worker];
    ++chosen[worker];
  }
  return chosen;
}

// How long `connections` take at that pace.
std::chrono::milliseconds time_at(double per_second, std::uint64_t connections);

// That the pace cannot be kept within `timeout`, as a sentence: "paced:20/s needs 8m 20s for 10000 long
// connections, the timeout is 5m". Nothing when it can, or when there is no timeout (0).
std::optional<std::string> too_slow(std::uint32_t per_second, std::uint64_t connections,
                                    std::chrono::milliseconds timeout);

}  // namespace sluice::change
