// What a dry run foretells (protocol/forecast.hpp), as text for people. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "control/cli/table.hpp"
#include "control/protocol/forecast.hpp"

namespace sluice::cli {

std::string render_forecast(const protocol::Forecast& forecast, const Style& style);
// Of each service of a reply's "forecast".
std::string render_forecasts(const boost::json::value& by_service, const Style& style);

}  // namespace sluice::cli
