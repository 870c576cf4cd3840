// The judge of a rollout (G2-G5, G8): a gate's limits, what was counted, and a verdict with its numbers.
// Pure; any thread.
//
//   Judge judge(plan.gates, plan.steps.size());            // once a rollout
//   judge.begin(read(*canary.live), read(*stable.live));   // once a step, and after a restart (G7)
//   for (const Judgement& one : judge.look(read(*canary.live), read(*stable.live))) log(to_json(one));
//
// It may look as often as it likes (see evidence.hpp, JUDGE.md). For every tick there is fails(), some
// microseconds a limit; look() works out the bounds as well, up to 3 ms a limit. What the driver learns from
// outside is judged by judge_saturation(), judge_query() and judge_hook().
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rollout/judgement.hpp"
#include "control/rollout/limit.hpp"
#include "control/rollout/window_starts.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::rollout {

// Divides what a rollout may risk (G5: 1 %, of which FastFail has a tenth) among its steps and limits.
Risk risk_of(std::size_t steps, std::size_t limits);

// One rollout's evidence and verdicts on the gates that the proxy counts for. One thread at a time.
class Judge {
 public:
  // What it asks at each look of a step's whole evidence, for who wants to know beforehand what it would
  // find.
  struct Tests {
    struct Limit {
      config::GateSpec gate;
      LimitKind kind;
    };
    std::vector<Limit> limits;  // in their order
    Risk risk;
  };
  static Tests tests_of(const std::vector<config::GateSpec>& gates, std::size_t steps);

  // Of `gates` it takes the limits of those that are counted (limit.hpp), in their order.
  Judge(const std::vector<config::GateSpec>& gates, std::size_t steps);

  // Forgets what it saw: a step begins.
  void begin(Reading canary, Reading stable);
  // One judgement for each limit, by the step's whole evidence; by that of its last part when this says fail
  // and the whole does not. When the counters of a pool went backwards, both begin anew. With `compare` false
  // (the step at 100 % leaves stable no traffic) the limits against stable are left out.
  std::vector<Judgement> look(const Reading& canary, const Reading& stable, bool compare = true);
  // Whether look() would say fail.
  bool fails(const Reading& canary, const Reading& stable, bool compare = true);
  // What was counted since begin(), for another judge that goes on with it.
  struct Seen {
    Reading canary, stable;
    WindowStarts starts;  // their readings count from begin(), too
  };
  Seen seen(const Reading& canary, const Reading& stable) const;
  // The step goes on: what look() is given from here on is what was counted here, and `seen` added to it.
  // Requires: right after begin().
  void go_on(const Seen& seen);
  // Errors of attempts since begin(), at the last look: what min_requests and tolerated_rate() want.
  Tally canary() const { return canary_; }
  Tally stable() const { return stable_; }

 private:
  void follow(const Reading& canary, const Reading& stable);
  // The window that lets `limit` fail begins here; nullptr when none does.
  const WindowStarts::Start* failing_start(const CountedLimit& limit, const Reading& canary,
                                           const Reading& stable) const;
  bool fails(const CountedLimit& limit, const Reading& canary, const Reading& stable) const;
  Judgement judge(const CountedLimit& limit, const Reading& canary, const Reading& stable) const;

  std::vector<CountedLimit> limits_;
  Risk risk_;  // its `fail` is that of the whole evidence; the fresh windows share as much again
  Reading canary_began_, stable_began_;
  WindowStarts starts_;
  Tally canary_, stable_;
};

// `in_flight` of `capacity` requests, the least of the last few readings, so that one burst fails nothing;
// nullopt while there are too few of them or there is no limit. `max` and `warn` are fractions.
Judgement judge_saturation(const config::GateSpec& gate, std::optional<std::uint64_t> in_flight,
                           std::uint64_t capacity);

// An answer of Prometheus: one number, or why there is none (`problem`, a clause: "no connection to ...").
// `empty`: it answered, with nothing; on_empty: fail fails then, anything else holds (G3).
struct QueryAnswer {
  std::optional<double> value = {};
  bool empty = false;
  std::string problem = {};
};
Judgement judge_query(const config::GateSpec& gate, const QueryAnswer& answer);

// exec and http: it agreed, it refused, or there was no answer (timeout, not started): insufficient.
// `problem` says what it said or why not.
enum class HookAnswer : std::uint8_t { agreed, refused, none };
Judgement judge_hook(const config::GateSpec& gate, HookAnswer answer, std::string_view problem);

}  // namespace sluice::rollout
