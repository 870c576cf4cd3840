// What a judge says (G3, G8). Pure values.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::rollout {

enum class Verdict : std::uint8_t { pass, fail, insufficient };
std::string_view name_of(Verdict verdict);

// One limit of one gate, judged once. Rates are fractions, latencies seconds. What is not known is not there.
struct Judgement {
  std::string gate;  // "error_rate max 5 %", "p95 against stable max_increase 20 ms"
  Verdict verdict = Verdict::insufficient;
  bool against_stable = false;
  bool warn = false;  // the warn limit is passed, with evidence
  std::uint64_t n_canary = 0, n_stable = 0;
  std::optional<double> canary, stable;  // what either pool had
  std::optional<double> value;           // what the limit is about: canary's, or its difference to stable's
  std::optional<double> lower, upper;    // its bounds, valid at every look
  std::optional<double> limit;
  std::optional<double> warn_limit;  // above it a warning is told, nothing else
  // Requests that are worth one, by users; not there when they count as independent. Of the canary and
  // stable.
  std::optional<double> design_effect, design_effect_stable;
  std::string unit;  // unit_of(): "rate", "seconds", or empty
  std::string why;   // a sentence with the numbers
};

// {"gate","verdict","warn","n_canary","n_stable","canary","stable","value","lower","upper","limit","warn_limit","unit","why"};
// null for what is not there; "design_effect" and "design_effect_stable" where there are. G8: serialised, one
// line.
boost::json::object to_json(const Judgement& judgement);

}  // namespace sluice::rollout
