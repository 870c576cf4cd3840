// External gates: those whose answers come from Prometheus, commands or HTTP hooks. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "control/io/command.hpp"
#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "control/rollout/judge.hpp"

namespace sluice::rollout_driver {

// One gate in one step: asked when the step begins and again and again; the last answer counts.
struct ExternalGate {
  config::GateSpec gate;
  io::Clock::time_point began;             // of the step
  io::Environment environment;             // for commands: SLUICE_SERVICE, SLUICE_POOL ...
  std::optional<rollout::Judgement> last;  // nothing before the first answer
  bool asking = false;
  io::Clock::time_point next{};                // when it is to be asked again
  std::chrono::milliseconds interval{10'000};  // between an answer and the next question
};

// What is asked at this moment, and whether the answer counts (G9).
struct Question {
  std::optional<config::GateSpec> gate;  // with the step's age in its query; nothing: not to be asked yet
  std::string held;                      // why the answer does not count; empty: it does
  io::Clock::time_point counts_from{};   // when answers count; max: never
};
Question question_of(const ExternalGate& gate, io::Clock::time_point now, std::int64_t unix_milliseconds);
// What an answer to it says: one that is held proves nothing.
rollout::Judgement as_evidence(const Question& question, rollout::Judgement answer);
// When it is to be asked again, after an answer.
io::Clock::time_point next_question(const ExternalGate& gate, const Question& last,
                                    io::Clock::time_point now);

bool is_external(const config::GateSpec& gate);
// Before the first answer: insufficient.
rollout::Judgement judgement_of(const ExternalGate& gate);

// Takes at most gate.timeout and the look-up of a name. `resolver` outlives it.
boost::asio::awaitable<rollout::Judgement> ask(boost::asio::any_io_executor loop, io::Resolver& resolver,
                                               config::GateSpec gate, io::Environment environment);

// The one number in an answer of Prometheus' /api/v1/query.
rollout::QueryAnswer read_query_answer(int status, const std::string& body);

}  // namespace sluice::rollout_driver
