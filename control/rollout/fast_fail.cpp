#include "control/rollout/fast_fail.hpp"

#include <cmath>

namespace sluice::rollout {
namespace {

constexpr double kMostTolerated = 0.5;  // below kBroken, or an error would say nothing

std::int32_t units(double nats) {
  return static_cast<std::int32_t>(std::ceil(nats * FastFail::kUnitsOfANat));
}

}  // namespace

FastFail FastFail::tolerating(double tolerated) {
  const double known = std::isnan(tolerated) ? 0 : tolerated;
  const double rate = std::clamp(known, kLeastTolerated, kMostTolerated);
  FastFail test;
  test.up = units(std::log(kBroken / rate));
  test.down = units(std::log((1 - rate) / (1 - kBroken)));
  test.trip = std::min(units(std::log(kRequests / kFalseAlarms)), kMostFailures * test.up);
  return test;
}

double tolerated_rate(Tally stable, double limit) {
  constexpr double kDrawn = 100;  // attempts' worth of the assumption
  const double assumed = kDrawn * FastFail::kLeastTolerated;
  const double rate = (static_cast<double>(stable.k) + assumed) / (static_cast<double>(stable.n) + kDrawn);
  return std::max(rate, limit / 5);
}

}  // namespace sluice::rollout
