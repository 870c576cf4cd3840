// Which services of a status are shown, and in which order. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/sort_key.hpp"
#include "control/protocol/problem.hpp"

namespace sluice::cli {

// More than so many services are shown as a line each.
inline constexpr std::size_t kMostTables = 20;

// A shell's pattern, not a name: * ? [
bool is_pattern(std::string_view text);

// A service's figures over all its pools.
double requests_per_second(const boost::json::object& service);
double error_rate(const boost::json::object& service);                        // by requests
double latency_ms(const boost::json::object& service, std::string_view key);  // the worst pool's

// `status` with the services that match `pattern` (empty: all), sorted by `key` (empty: as configured). Not
// found when none matches.
boost::system::result<boost::json::value, protocol::Problem> select_services(boost::json::value status,
                                                                             const std::string& pattern,
                                                                             const std::string& key);

}  // namespace sluice::cli
