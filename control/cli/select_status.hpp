// Which services of a status are shown, and in which order. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/sort_key.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/status.hpp"

namespace sluice::cli {

// More than so many services are shown as a line each.
inline constexpr std::size_t kMostTables = 20;

// A shell's pattern, not a name: * ? [
bool is_pattern(std::string_view text);

// A service's figures over all its pools.
double requests_per_second(const protocol::ServiceStatus& service);
double error_rate(const protocol::ServiceStatus& service);  // by requests
// The worst pool's.
double latency_ms(const protocol::ServiceStatus& service, std::optional<double> protocol::PoolStatus::*which);

// Leaves the services that match `pattern` (empty: all), sorted by `key` (empty: as configured). Not found
// when none matches.
std::optional<protocol::Problem> select_services(protocol::Status& status, const std::string& pattern,
                                                 const std::string& key);

}  // namespace sluice::cli
