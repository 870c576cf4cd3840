// Of which time the answer of an external gate speaks: a gate judges its step, not what was before (G9).
#include <algorithm>

#include "control/rollout/query_range.hpp"
#include "control/rollout_driver/external_gate.hpp"
#include "proxy/base/values.hpp"

namespace sluice::rollout_driver {

using std::chrono::milliseconds;

Question question_of(const ExternalGate& gate, io::Clock::time_point now, std::int64_t unix_milliseconds) {
  Question question{gate.gate, {}, gate.began};
  if (gate.gate.prometheus.empty()) return question;  // a hook speaks of the moment in which it is asked
  const rollout::StepQuery query(gate.gate);
  const auto age = std::chrono::duration_cast<milliseconds>(now - gate.began);
  const auto from = query.counts_from();
  question.counts_from = from ? gate.began + *from : io::Clock::time_point::max();
  const auto left = from ? std::max(milliseconds(0), *from - age) : milliseconds(0);
  question.held = query.held(age, time_text(unix_milliseconds + left.count()));
  const auto text = query.at(age);
  if (text)
    question.gate->query = *text;
  else
    question.gate.reset();
  return question;
}

rollout::Judgement as_evidence(const Question& question, rollout::Judgement answer) {
  if (question.held.empty()) return answer;
  answer.verdict = rollout::Verdict::insufficient;
  answer.warn = false;
  answer.why = question.gate ? answer.why + "; " + question.held : question.held;
  return answer;
}

io::Clock::time_point next_question(const ExternalGate& gate, const Question& last,
                                    io::Clock::time_point now) {
  const auto next = now + gate.interval;
  return now < last.counts_from ? std::min(next, last.counts_from) : next;
}

}  // namespace sluice::rollout_driver
