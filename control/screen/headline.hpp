// What is going on with a service, in a word and a sentence: what an operator reads first. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/protocol/status.hpp"
#include "control/screen/line.hpp"

namespace sluice::screen {

struct Headline {
  std::string word = {};  // "SHIFTING", "PAUSED", "STEADY"
  Ink ink = Ink::plain;
  std::string what = {};   // "step 2 of 4: 25% to green"; it moves with no count and no time
  std::string now = {};    // what is under way: "12 held, nothing in flight"
  std::string left = {};   // the time that it takes: "at least 41m to the end"
  std::string waits = {};  // what it waits for
  std::string gates = {};  // "2 pass, 1 undecided"
  std::string back = {};   // the command that takes it back; empty: there is nothing to take back
  int rank = 0;            // how much it wants to be looked at; 0: not at all
};
Headline headline_of(const protocol::ServiceStatus& service);

// What is wrong beside that, a sentence each: a pool that has a share and no backend.
std::vector<std::string> alarms_of(const protocol::ServiceStatus& service);

// "2 pass, 1 undecided"; empty without gates. Those that move in step count as well.
std::string gates_summary(const protocol::RolloutStatus& rollout);

}  // namespace sluice::screen
