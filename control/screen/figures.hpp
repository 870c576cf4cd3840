// Numbers of a status as people read them. Pure.
#pragma once

#include <optional>
#include <string>

#include "control/protocol/rollout_status.hpp"
#include "control/protocol/status.hpp"

namespace sluice::screen {

// "-" where there is nothing to say.
std::string formatted(const std::optional<double>& number, const char* format);
std::string rate_text(double per_second);                           // "412/s", "0.4/s"
std::string percent_text(const std::optional<double>& part);        // of 0 to 1: "0.31%"
std::string milliseconds_text(const std::optional<double>& value);  // "182 ms"
// Whole seconds, minutes: what a countdown shows. Rounded up, so that it is 0 when it is over.
std::string countdown_text(protocol::milliseconds left);

// "14:02:11" of "2026-11-27T14:02:11.123Z".
std::string time_of_day(const std::string& time);

// In the unit of what the gate measures: rates in per cent, latencies in milliseconds, a query's own.
std::string gate_figure(const protocol::GateStatus& gate, const std::optional<double>& number);
// "error_rate", "error_rate vs blue": without the limit, which stands beside it.
std::string gate_name(const protocol::GateStatus& gate, const protocol::RolloutStatus& rollout);
// "0% to 4.6%"; "from 0.2 ms" while nothing bounds it above; "-" without a measurement.
std::string gate_bounds(const protocol::GateStatus& gate);
// Likewise where the value with its unit stands before it: "0 to 4.6"; empty without bounds.
std::string gate_range(const protocol::GateStatus& gate);

// How long the present step lasts at least.
std::optional<protocol::milliseconds> hold_left(const protocol::RolloutStatus& rollout);
// Of all steps from now on: the least time to the end. Nothing when one of them waits for an operator, or
// when it is not running.
std::optional<protocol::milliseconds> least_time_left(const protocol::RolloutStatus& rollout);

// A drain by its own counts.
struct DrainProgress {
  std::uint64_t left = 0, all = 0;  // requests and tunnels
  double part() const { return all > 0 ? static_cast<double>(all - left) / static_cast<double>(all) : 1; }
};
DrainProgress progress_of(const protocol::DrainStatus& drain);
// "4 requests and 1 tunnel left, the oldest /export 41s, closed in 12s"
std::string drain_text(const protocol::DrainStatus& drain);
// "412 leave at 10 of 20 a second, 41s more: an opening takes 80 ms, 3 ms before"
std::string pace_words(const protocol::PaceStatus& pace);

// "3/3 up", "1/2 up"; "ready" where no probe says that they are up.
std::string health_counts(const protocol::PoolStatus& pool);

}  // namespace sluice::screen
