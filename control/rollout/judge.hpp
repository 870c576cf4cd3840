// The judge of a rollout (G2-G5, G8): a gate's limits, what was counted, and a verdict with its numbers.
// Pure; any thread.
//
//   Judge judge(plan.gates, plan.steps.size());            // once a rollout
//   judge.begin(read(*canary.live), read(*stable.live));   // once a step, and after a restart (G7)
//   for (const Judgement& one : judge.look(read(*canary.live), read(*stable.live))) log(to_json(one));
//
// It may look as often as it likes (see evidence.hpp). What belongs to the driver and comes from outside is
// judged by judge_saturation(), judge_query() and judge_hook().
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rollout/window.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::rollout {

enum class Verdict : std::uint8_t { pass, fail, insufficient };
std::string_view name_of(Verdict verdict);

// One limit of one gate, judged once. Rates are fractions, latencies seconds. What is not known is not there.
struct Judgement {
  std::string gate;  // "error_rate max 5%", "p95 against stable max_increase 20ms"
  Verdict verdict = Verdict::insufficient;
  bool against_stable = false;
  bool warn = false;  // the warn limit is passed, with evidence
  std::uint64_t n_canary = 0, n_stable = 0;
  std::optional<double> canary, stable;  // what either pool had
  std::optional<double> value;           // what the limit is about: canary's, or its difference to stable's
  std::optional<double> lower, upper;    // its bounds, valid at every look
  std::optional<double> limit;
  std::string why;  // a sentence with the numbers
};

// {"gate","verdict","warn","n_canary","n_stable","canary","stable","value","lower","upper","limit","why"};
// null for what is not there. G8: serialised, one line.
boost::json::object to_json(const Judgement& judgement);

// The errors of the first kind that one limit may make in one step.
struct Risk {
  double fail = 0.00075;  // a healthy canary is failed
  double pass = 0.05;     // one at its limit is passed; there is a next step that looks again
  double warn = 0.01;
};
// Divides what a rollout may risk (G5: 1 %, of which FastFail has a tenth) among its steps and limits.
Risk risk_of(std::size_t steps, std::size_t limits);

// Limits of gates that this judge counts for: max and max_increase of error_rate and of quantiles.
std::size_t counted_limits(const std::vector<config::GateSpec>& gates);
// error_rate, p50, p95 ...: counted by the proxy. saturation, prometheus, exec and http are not.
bool is_counted(const config::GateSpec& gate);

// The judgements of one gate's limits: one for `max`, one for `max_increase`. Requires: is_counted(gate).
std::vector<Judgement> judge(const config::GateSpec& gate, const Window& canary, const Window& stable,
                             Risk risk);

// One step's evidence and verdicts on the gates that are counted.
class Judge {
 public:
  Judge(std::vector<config::GateSpec> gates, std::size_t steps);

  // Forgets what it saw: a step begins.
  void begin(Reading canary, Reading stable);
  // Of all counted gates, in their order. A pool whose counters went backwards begins anew. With
  // `stable_has_share` false (the step at 100 %) limits against stable have nothing to be compared with and
  // are left out.
  std::vector<Judgement> look(const Reading& canary, const Reading& stable, bool stable_has_share = true);
  // Since begin(), at the last look.
  const Window& canary() const { return canary_; }
  const Window& stable() const { return stable_; }

 private:
  const std::vector<config::GateSpec> gates_;
  const Risk risk_;
  Reading canary_began_, stable_began_;
  Window canary_, stable_;
};

// The worst of them: fail before insufficient before pass. Of none: pass.
Verdict worst(const std::vector<Judgement>& judgements);

// `in_flight` of `capacity` requests, the least of the last few readings, so that one burst fails nothing;
// nullopt while there are too few of them or there is no limit. `max` and `warn` are fractions.
Judgement judge_saturation(const config::GateSpec& gate, std::optional<std::uint64_t> in_flight,
                           std::uint64_t capacity);

// An answer of Prometheus: one number, or why there is none (`problem`, a clause: "no connection to ...").
// `empty`: it answered, with nothing; on_empty: fail fails then, anything else holds (G3).
struct QueryAnswer {
  std::optional<double> value;
  bool empty = false;
  std::string problem;
};
Judgement judge_query(const config::GateSpec& gate, const QueryAnswer& answer);

// exec and http: it agreed, it refused, or there was no answer (timeout, not started): insufficient.
// `problem` says what it said or why not.
enum class HookAnswer : std::uint8_t { agreed, refused, none };
Judgement judge_hook(const config::GateSpec& gate, HookAnswer answer, std::string_view problem);

}  // namespace sluice::rollout
