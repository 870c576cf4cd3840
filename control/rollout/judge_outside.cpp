// Verdicts on what the judge does not count itself.
#include <cmath>

#include "control/rollout/format.hpp"
#include "control/rollout/judge.hpp"

namespace sluice::rollout {
namespace {

Judgement begun(const config::GateSpec& gate) {
  Judgement judgement;
  judgement.gate = gate_name(gate, LimitKind::max);
  judgement.limit = gate.max;
  judgement.warn_limit = gate.warn;
  judgement.unit = unit_of(gate);
  return judgement;
}

void compare(Judgement& judgement, const config::GateSpec& gate) {
  if (!gate.max || std::isnan(*gate.max)) return;
  judgement.verdict = *judgement.value > *gate.max ? Verdict::fail : Verdict::pass;
  judgement.warn = gate.warn && *judgement.value > *gate.warn;
}

std::string with(std::string said, std::string_view problem) {
  if (!problem.empty()) said.append(": ").append(problem);
  return said;
}

}  // namespace

Judgement judge_saturation(const config::GateSpec& gate, std::optional<std::uint64_t> in_flight,
                           std::uint64_t capacity) {
  Judgement judgement = begun(gate);
  if (capacity == 0) {
    judgement.why = "there is no limit on requests in flight, so nothing to be saturated";
    return judgement;
  }
  if (!in_flight) {
    judgement.why = "too few readings of the requests in flight yet";
    return judgement;
  }
  judgement.n_canary = *in_flight;
  judgement.canary = judgement.value = static_cast<double>(*in_flight) / static_cast<double>(capacity);
  compare(judgement, gate);
  judgement.why = count(*in_flight, "request") + " in flight of " + std::to_string(capacity) + ", " +
                  percent(*judgement.value);
  return judgement;
}

Judgement judge_query(const config::GateSpec& gate, const QueryAnswer& answer) {
  Judgement judgement = begun(gate);
  if (answer.value && !std::isnan(*answer.value)) {
    judgement.canary = judgement.value = answer.value;
    compare(judgement, gate);
    judgement.why =
        "the query's answer is " + number(*answer.value) + ", the limit " + number(gate.max.value_or(0));
  } else if (answer.value) {
    judgement.why = "the query's answer is NaN, as of a division by zero";
  } else if (answer.empty) {
    if (gate.on_empty == "fail") judgement.verdict = Verdict::fail;
    judgement.why = "the query's answer is empty (on_empty: " + gate.on_empty + ")";
  } else {
    judgement.why = with("the query got no answer", answer.problem);
  }
  return judgement;
}

Judgement judge_hook(const config::GateSpec& gate, HookAnswer answer, std::string_view problem) {
  Judgement judgement = begun(gate);
  switch (answer) {
    case HookAnswer::agreed:
      judgement.verdict = Verdict::pass;
      judgement.why = with("it agreed", problem);
      break;
    case HookAnswer::refused:
      judgement.verdict = Verdict::fail;
      judgement.why = with("it refused", problem);
      break;
    case HookAnswer::none:
      judgement.why = with("it gave no answer", problem);
      break;
  }
  return judgement;
}

}  // namespace sluice::rollout
