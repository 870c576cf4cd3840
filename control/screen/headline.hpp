// What is going on with a service, in a word and a sentence: what an operator reads first. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/protocol/status.hpp"
#include "control/screen/line.hpp"

namespace sluice::screen {

struct Headline {
  std::string word;  // "SHIFTING", "PAUSED", "STEADY"
  Ink ink = Ink::plain;
  std::string what;   // "step 2 of 4: 25% to green"; nothing of it moves with time alone
  std::string left;   // "at least 41m to the end", "goes back in 28s": what moves with time
  std::string waits;  // what it waits for
  std::string gates;  // "2 pass, 1 undecided"
  std::string back;  // the command that takes back what is going on; empty when there is nothing to take back
  int rank = 0;      // how much it wants to be looked at; 0: not at all
};
Headline headline_of(const protocol::ServiceStatus& service);

// What is wrong beside that, a sentence each: a pool with a share and no backend, backends that are out.
std::vector<std::string> alarms_of(const protocol::ServiceStatus& service);

// "2 pass, 1 undecided"; empty without gates. Those that move in step count as well.
std::string gates_summary(const protocol::RolloutStatus& rollout);

}  // namespace sluice::screen
