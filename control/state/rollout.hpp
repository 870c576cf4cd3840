// What is kept of a rollout and of a change that waits to be confirmed, as part of a service's state:
// journaled with it, so that after kill -9 it goes on in the same step (G7, C8). Pure values.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/values.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::state {

// verifying: nothing was shifted yet; running: in a step; the others are ends.
enum class RolloutPhase : std::uint8_t { verifying, running, done, rolled_back, aborted };
std::string_view to_string(RolloutPhase phase);

// One thing that became of it, for status.
struct RolloutLine {
  std::int64_t time = 0;  // Unix milliseconds
  std::string text;
  bool operator==(const RolloutLine&) const = default;
};

struct Rollout {
  static constexpr std::size_t kMostLines = 64;  // the oldest but the first go

  std::uint64_t id = 0;            // the generation that began it
  std::string from, to;            // the stable pool when it began, and the pool that is to get the traffic
  std::vector<std::string> group;  // all services that were started together and go back together (C6)
  config::PlanSpec plan;
  RolloutPhase phase = RolloutPhase::verifying;
  std::uint32_t step = 0;  // while running: index into plan.steps
  bool paused = false;     // holds in its step; a gate that fails still rolls back (G2)
  std::int64_t started = 0, step_began = 0, ended = 0;  // Unix milliseconds; ended: 0 while it is active
  std::int64_t retained_until = 0;                      // done: until then the old pool stays as it is
  std::string started_by;
  std::string why;                                    // the last transition's reason, with its numbers
  std::vector<std::pair<std::string, Share>> before;  // the share table when it began
  std::vector<std::string> stable_history_before;
  std::vector<RolloutLine> lines;  // oldest first

  bool active() const { return phase == RolloutPhase::verifying || phase == RolloutPhase::running; }
  const config::StepSpec& current() const { return plan.steps[step]; }  // Requires: running
  bool last_step() const { return step + 1 >= plan.steps.size(); }
  // "to green: step 2 of 4 (25%), paused"
  std::string text() const;
  void log_change(std::int64_t time, std::string line);
  void end(RolloutPhase how, std::int64_t time, std::string reason);
  bool operator==(const Rollout&) const = default;
};

// C8: the change of this service that reverts unless it is confirmed by the deadline.
struct Unconfirmed {
  std::int64_t deadline = 0;     // Unix milliseconds
  std::uint64_t generation = 0;  // that the change made; services of one change are reverted together
  std::vector<std::pair<std::string, Share>> before;
  std::vector<std::string> stable_history_before;
  bool operator==(const Unconfirmed&) const = default;
};

boost::json::object to_json(const Rollout& rollout);
boost::json::object to_json(const Unconfirmed& unconfirmed);
// Nothing when it is not readable: the shares count, what was to become of them is lost.
std::optional<Rollout> rollout_from_json(const boost::json::value& value);
std::optional<Unconfirmed> unconfirmed_from_json(const boost::json::value& value);

}  // namespace sluice::state
