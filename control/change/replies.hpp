// `before` and `after` of a reply, in the shape of what was changed (messages.hpp, Changed). Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "control/protocol/messages.hpp"
#include "control/protocol/target.hpp"
#include "control/state/state.hpp"

namespace sluice::change {

// {"blue":"95%","green":"5%"}
boost::json::value shares_json(const state::State& state, const std::string& service);
// {"api":{"blue":"95%","green":"5%"}}
boost::json::value shares_json(const state::State& state, const std::vector<std::string>& services);
// {"traffic":"open"}, {"traffic":"paused","max_hold":"30s"}, {"traffic":"stopped","message":"..."}
boost::json::value hold_json(const state::State& state, const std::string& service);
// {"api":{"enabled_for":"10%","config":{...}}}: of one service, or of all that have it when that is empty.
boost::json::value flag_json(const state::State& state, const std::string& flag, const std::string& service);
// Every flag, by name, as flag_json().
boost::json::object flags_json(const state::State& state);
// {"mirror":"off"}, {"mirror":"green","share":"10%"}
boost::json::value mirror_json(const state::State& state, const std::string& service);
// Of a backend {"address":..,"admin":"ready","weight":1}, of a pool an object of these by backend; null when
// it is not there.
boost::json::value target_json(const state::State& state, const protocol::Target& target);

// Sentences for the operator, added to those that a reply has.
void add_warnings(protocol::Changed& reply, const std::vector<std::string>& warnings);
void add_notes(protocol::Changed& reply, const std::vector<std::string>& notes);

}  // namespace sluice::change
