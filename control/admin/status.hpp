// GET /v1/status: the view as JSON. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "control/change/status.hpp"
#include "control/protocol/problem.hpp"

namespace sluice::admin {

boost::json::object to_json(const change::StatusView& view);

// Leaves only that service; not_found with a suggestion when there is none.
std::optional<protocol::Problem> keep_only(change::StatusView& view, const std::string& service);

}  // namespace sluice::admin
