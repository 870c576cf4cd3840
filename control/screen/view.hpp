// What `top` and `status -w` show: the state of one service, or of several as a list, as the lines of a
// screen. From the top down it answers: is it all right, and what is to be typed? (The page in the browser
// has the same order.) Pure.
#pragma once

#include <string>
#include <vector>

#include "control/protocol/answers.hpp"
#include "control/protocol/status.hpp"
#include "control/screen/line.hpp"
#include "control/screen/trend.hpp"

namespace sluice::screen {

// What the client has learned so far.
struct Seen {
  protocol::Status status;
  Trends trends;
  std::vector<protocol::Event> events;  // the oldest first
  std::string time;                     // of day, UTC, of this picture: "14:02:45"
  std::string lost, lost_since;         // why there is no news, and since when; empty: all is fresh
};

// What the operator looks at.
struct Focus {
  enum class Show { list_and_service, service, list };

  std::string service;                 // the one that is shown whole; empty: the first
  Show show = Show::list_and_service;  // of several
  bool by_attention = true;            // the list in that order; else as the status has it
  bool keys = true;                    // there is a keyboard
  std::string ctl = "sluicectl";
  Lines notice;  // instead of the line of keys: a question, or what became of it
};

// Fits the paper: at most its rows, each of which it may cut at its edge.
Lines view(const Seen& seen, const Focus& focus, const Paper& paper);

// One line for each service, without anything that moves by time alone: for what is no terminal.
std::vector<std::string> state_lines(const protocol::Status& status);

// An event in one line, with who and why. `time` is cut to the time of day.
std::string event_line(const protocol::Event& event);

}  // namespace sluice::screen
