// G9: of which time a Prometheus query speaks. A query that looks back is judged only when all that it looks
// at lies in the step, and one that takes the step's age ({range}) sees nothing older. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/config/spec.hpp"

namespace sluice::rollout {

// How far a PromQL expression looks back by what is written in it: ranges, subqueries and offsets, added up
// where one stands inside another. What it cannot read looks back not at all; Prometheus will refuse it.
struct Reach {
  std::chrono::milliseconds back{0};
  bool takes_age = false;   // it has a {range}
  bool fixed_time = false;  // `@ 1609746000`: not of any step
  bool operator==(const Reach&) const = default;
};
Reach reach_of(std::string_view query);

// One gate's query in a step.
class StepQuery {
 public:
  explicit StepQuery(const config::GateSpec& gate);

  // The age of the step from which answers count; nothing: never.
  std::optional<std::chrono::milliseconds> counts_from() const;
  // What is to be asked when the step is so old; nothing while there is nothing to ask.
  std::optional<std::string> at(std::chrono::milliseconds age) const;
  // Why the answer does not count at this age, and when it will: `from` as a time of day. Empty: it counts.
  std::string held(std::chrono::milliseconds age, const std::string& from) const;

 private:
  std::string query_;
  std::chrono::milliseconds min_age_;
  Reach reach_;
};

}  // namespace sluice::rollout
