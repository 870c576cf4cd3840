#include "control/rollout/judgement.hpp"

#include "control/rollout/status.hpp"

namespace sluice::rollout {

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
  return protocol::answer_json(status_of(judgement));
}

}  // namespace sluice::rollout
