// A rollout as text for people. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "control/cli/table.hpp"

namespace sluice::cli {

// All of it: where it is, what it waits for, each gate with its numbers, what happened.
std::string render_rollout(const boost::json::object& rollout, const std::string& service,
                           const Style& style);
// One line of --follow, with what is measured.
std::string render_rollout_line(const boost::json::object& rollout);
// What is the same as long as only counters and times moved.
std::string rollout_landmark(const boost::json::object& rollout);
// One line for the status of a service; empty when there is no active rollout.
std::string rollout_summary(const boost::json::object& rollout);

}  // namespace sluice::cli
