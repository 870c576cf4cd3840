// What the daemon says of a service in ten seconds (protocol::Headline), for a terminal: with the time that
// is left, and what is to be typed. Pure.
#pragma once

#include <string>

#include "control/protocol/status.hpp"
#include "control/screen/line.hpp"

namespace sluice::screen {

struct Headline {
  std::string word = {};  // "HOLDING", "PAUSED", "STEADY"
  Ink ink = Ink::plain;
  std::string what = {}, how = {};  // as the page says them
  std::string left = {};            // "at least 41m to the end"
  std::string waits = {};           // what it waits for
  std::string next = {};            // the command that it waits for; empty: none
  std::string back = {};            // the command that takes it back; empty: there is nothing to take back
  unsigned rank = 0;                // of several the lowest comes first
  bool steady = true;               // nothing goes on, and all is well
};
Headline headline_of(const protocol::ServiceStatus& service);

// "step 2 of 4: 25% to green"; it moves with no count and no time.
std::string step_text(const protocol::RolloutStatus& rollout);
// "2 pass, 1 undecided"; empty without gates. Those that move in step count as well.
std::string gates_summary(const protocol::RolloutStatus& rollout);

}  // namespace sluice::screen
