// What the daemon says, as text for people. The render functions are pure; Output knows the terminal and the
// wanted format.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "control/cli/args.hpp"
#include "control/cli/table.hpp"
#include "control/protocol/answers.hpp"
#include "control/protocol/audit.hpp"
#include "control/protocol/change.hpp"
#include "control/protocol/status.hpp"

namespace sluice::cli {

// GET /v1/status: a table of pools for each service. With `service` only that one, and its backends.
std::string render_status(const protocol::Status& status, const std::string& service, const Style& style);
// A line for each service, for many of them.
std::string render_brief(const protocol::Status& status, const Style& style);
// What the daemon warns of.
std::string render_warnings(const protocol::Status& status, const Style& style);
// One line for each service, without what changes all the time: for `status -w` into a file.
std::string render_state_lines(const protocol::Status& status, const std::string& service);

// "api: blue 95% -> 75%, green 5% -> 25%   (generation 41 -> 42, 3 ms)" and the command that undoes it.
// `subject` is what before and after are of: a service, a target; empty when they name it themselves.
std::string render_change(const protocol::Changed& changed, const std::string& subject);
// What it has to say beside that: conflicts, warnings, notes. A line each; for stderr.
std::string render_notes(const protocol::Changed& changed);
std::string render_drained(const protocol::Drained& drained, const std::string& subject);

std::string render_history(const protocol::HistoryList& list, const Style& style);
std::string render_verified(const protocol::AuditVerified& verified);
std::string render_event(const protocol::Event& event);
std::string render_explain(const protocol::Explained& explained, const Style& style);
// GET /v1/flags, or one flag.
std::string render_flags(const boost::json::value& flags, const Style& style);
std::string render_problem(const protocol::Problem& problem, const Style& style);

class Output {
 public:
  // Colour on a terminal unless NO_COLOR is set or TERM is "dumb".
  explicit Output(Format format);

  Format format() const { return format_; }
  const Style& style() const { return style_; }
  bool terminal() const { return terminal_; }
  // Text for people, on a terminal whose cursor can be moved.
  bool can_paint() const;

  int say(const std::string& text);  // to stdout; 0, or 1 when it cannot be written
  // To stderr, behind what stdout has got. Not with -o json, whose document holds it.
  void note(const std::string& text);
  int fail(const protocol::Problem& problem);  // to stderr, in the wanted format; the exit code
  // The one JSON document of a verb, or its text.
  int show(const boost::json::value& document, const std::string& text);

 private:
  Format format_;
  bool terminal_;
  Style style_;
};

}  // namespace sluice::cli
