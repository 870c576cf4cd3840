#include "control/change/pace.hpp"

#include <algorithm>
#include <cmath>

#include "proxy/base/tunnel_pace.hpp"
#include "proxy/base/values.hpp"

namespace sluice::change {

using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kEnough = 20;    // of a kind, to know what is quiet
constexpr std::uint64_t kFew = 3;        // likewise to judge by
constexpr double kLonger = 2;            // times its quiet length, and
constexpr double kSlackMicros = 10'000;  // so much more, is too long: a short wait doubles by itself
constexpr double kMoreErrors = 0.02;     // of the attempts, above twice the quiet part
constexpr double kAlwaysWaiting = 4;     // openings under way that mean nothing

std::string millis(double micros) {
  return duration_text(milliseconds(std::max<std::int64_t>(1, std::llround(micros / 1000))));
}

}  // namespace

TargetCounts& TargetCounts::operator+=(const TargetCounts& more) {
  requests += more.requests;
  errors += more.errors;
  connects += more.connects;
  connect_micros += more.connect_micros;
  opened += more.opened;
  open_micros += more.open_micros;
  opening += more.opening;
  return *this;
}

TargetCounts since(const TargetCounts& before, const TargetCounts& now) {
  return {now.requests - before.requests,
          now.errors - before.errors,
          now.connects - before.connects,
          now.connect_micros - before.connect_micros,
          now.opened - before.opened,
          now.open_micros - before.open_micros,
          now.opening};
}

PaceControl::PaceControl(std::uint32_t asked, const TargetCounts& target, const TargetCounts& drained)
    : asked_(asked), rate_(asked) {
  for (const TargetCounts* known : {&target, &drained}) {
    connecting_.learn(known->connects, known->connect_micros);
    opening_.learn(known->opened, known->open_micros);
  }
  if (target.requests >= kEnough)
    quiet_errors_ = static_cast<double>(target.errors) / static_cast<double>(target.requests);
}

void PaceControl::Wait::learn(std::uint64_t observed, std::uint64_t took) {
  if (!quiet_micros && observed >= kEnough)
    quiet_micros = static_cast<double>(took) / static_cast<double>(observed);
}

std::optional<double> PaceControl::Wait::take_long(std::uint64_t observed, std::uint64_t took) {
  count += observed;
  micros += took;
  if (!quiet_micros) {  // the first that come are what later ones are compared with
    learn(count, micros);
    if (!quiet_micros) return std::nullopt;
    count = micros = 0;
  }
  if (count < kFew) return std::nullopt;
  const double mean = static_cast<double>(micros) / static_cast<double>(count);
  count = micros = 0;
  if (mean <= kLonger * *quiet_micros + kSlackMicros) return std::nullopt;
  return mean;
}

// Both waits are asked in any case: each remembers what has come.
std::string PaceControl::trouble_in(const TargetCounts& interval) {
  const auto connect = connecting_.take_long(interval.connects, interval.connect_micros);
  const auto open = opening_.take_long(interval.opened, interval.open_micros);
  const double errors = interval.requests == 0
                            ? 0
                            : static_cast<double>(interval.errors) / static_cast<double>(interval.requests);
  if (interval.errors >= kFew && errors > kLonger * quiet_errors_ + kMoreErrors)
    return std::to_string(interval.errors) + " of " + std::to_string(interval.requests) + " requests fail";
  if (connect)
    return "a connection takes " + millis(*connect) + ", " + millis(*connecting_.quiet_micros) + " before";
  if (open) return "an opening takes " + millis(*open) + ", " + millis(*opening_.quiet_micros) + " before";
  // Those that hang have no length yet. As many wait as come in the time that one takes.
  const double patience = std::max(1.0, kLonger * opening_.quiet_micros.value_or(0) / 1e6);
  if (static_cast<double>(interval.opening) > kAlwaysWaiting + rate_ * patience)
    return std::to_string(interval.opening) + " openings wait for an answer";
  return {};
}

void PaceControl::look(const TargetCounts& interval) {
  const double step = asked_ / kSteps;
  if (auto trouble = trouble_in(interval); !trouble.empty()) {
    rate_ = std::max(step, rate_ / 2);
    slowed_ = std::move(trouble);
    return;
  }
  rate_ = std::min<double>(asked_, rate_ + step);
  if (rate_ >= asked_) slowed_.clear();
}

milliseconds time_at(double per_second, std::uint64_t connections) {
  return milliseconds(std::llround(std::ceil(static_cast<double>(connections) * 1000 / per_second)));
}

std::optional<std::string> too_slow(std::uint32_t per_second, std::uint64_t connections,
                                    milliseconds timeout) {
  const milliseconds needed = time_at(per_second, connections);
  if (timeout.count() <= 0 || needed <= timeout) return std::nullopt;
  return pace_text(per_second) + " needs " + duration_text(needed) + " for " + std::to_string(connections) +
         " long connections, the timeout is " + duration_text(timeout);
}

}  // namespace sluice::change
