#include "control/acme/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::acme {
namespace {

using namespace std::chrono_literals;

// Five failures in the first hour, where Let's Encrypt lets five validations fail: 1, 3, 9, 27 minutes.
constexpr milliseconds kFirstRefused = 1min, kFirstUnreachable = 2s, kShortest = 1s;
constexpr double kFactor = 3;
constexpr milliseconds kLongest = 6h, kLongestInNeed = 1h;
constexpr milliseconds kLeastLife =
    1h;  // of a certificate, or a tenth of it: a server that always says "now" is not a loop
constexpr double kNearer = 20;  // tries in what is left of the life, at least

UnixMilliseconds between(const RenewalWindow& window, double draw) {
  const auto length = static_cast<double>(std::max<UnixMilliseconds>(0, window.end - window.start));
  return window.start + static_cast<UnixMilliseconds>(length * draw);
}

// Two thirds of the life, and up to a fiftieth more: a thousand machines of one day do not come in one
// moment.
UnixMilliseconds due(const Situation& situation, double draw) {
  const RenewalWindow& life = *situation.life;
  const UnixMilliseconds length = life.end - life.start, third = length / 3;
  if (situation.window)
    return std::max(between(*situation.window, draw),
                    situation.issued + std::min<UnixMilliseconds>(kLeastLife.count(), length / 10));
  return between({life.end - third, life.end - third + length / 50}, draw);
}

}  // namespace

milliseconds backoff(const Situation& situation) {
  milliseconds first = situation.kind == FailureKind::refused ? kFirstRefused : kFirstUnreachable;
  milliseconds most = kLongestInNeed;
  if (situation.life && situation.life->end > situation.failed) {
    const milliseconds left(situation.life->end - situation.failed);
    most = std::clamp(milliseconds(left.count() / static_cast<std::int64_t>(kNearer)), kShortest, kLongest);
  }
  first = std::min(first, most);
  const double grown =
      static_cast<double>(first.count()) * std::pow(kFactor, std::min(situation.failures, 30U) - 1.0);
  return milliseconds(static_cast<std::int64_t>(std::min(grown, static_cast<double>(most.count()))));
}

UnixMilliseconds next_order(const Situation& situation, UnixMilliseconds now, double draw) {
  if (situation.failures == 0) {
    if (!situation.life || situation.is_another) return now;
    return std::max(now, due(situation, draw));
  }
  if (situation.hurried) return std::max(now, situation.not_before);
  const auto wait = static_cast<double>(backoff(situation).count());
  const auto spread = static_cast<UnixMilliseconds>(wait * (0.75 + draw / 2));  // give or take a quarter
  return std::max({now, situation.failed + spread, situation.not_before});
}

}  // namespace sluice::acme
