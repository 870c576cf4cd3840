// `before` and `after` of a reply, in the shape of what was changed (messages.hpp, Changed). Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "control/protocol/target.hpp"
#include "control/state/state.hpp"

namespace sluice::core {

// {"blue":"95%","green":"5%"}
boost::json::value shares_json(const state::State& state, const std::string& service);
// {"api":{"blue":"95%","green":"5%"}}
boost::json::value shares_json(const state::State& state, const std::vector<std::string>& services);
// {"traffic":"open"}, {"traffic":"paused","max_hold":"30s"}, {"traffic":"stopped","message":"..."}
boost::json::value hold_json(const state::State& state, const std::string& service);
// Of a backend {"address":..,"admin":"ready","weight":1}, of a pool an object of these by backend; null when
// it is not there.
boost::json::value target_json(const state::State& state, const protocol::Target& target);

}  // namespace sluice::core
