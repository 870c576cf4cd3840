#include "control/rollout/judgement.hpp"

#include <boost/json/value.hpp>
#include <cmath>

namespace sluice::rollout {
namespace {

boost::json::value json_of(const std::optional<double>& number) {
  if (!number || !std::isfinite(*number)) return nullptr;
  return *number;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::insufficient:
      break;
  }
  return "insufficient";
}

boost::json::object to_json(const Judgement& judgement) {
  return {{"gate", judgement.gate},
          {"verdict", name_of(judgement.verdict)},
          {"warn", judgement.warn},
          {"n_canary", judgement.n_canary},
          {"n_stable", judgement.n_stable},
          {"canary", json_of(judgement.canary)},
          {"stable", json_of(judgement.stable)},
          {"value", json_of(judgement.value)},
          {"lower", json_of(judgement.lower)},
          {"upper", json_of(judgement.upper)},
          {"limit", json_of(judgement.limit)},
          {"warn_limit", json_of(judgement.warn_limit)},
          {"unit", judgement.unit},
          {"why", judgement.why}};
}

}  // namespace sluice::rollout
