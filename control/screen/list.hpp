// The services as a list, a line each. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "control/protocol/status.hpp"
#include "control/screen/line.hpp"
#include "control/screen/trend.hpp"

namespace sluice::screen {

// The services in the order of the list: what is going on before what is steady, else as they are.
std::vector<const protocol::ServiceStatus*> listed(const protocol::Status& status, bool by_attention);

// A window of `rows` services around the chosen one, which is marked.
Lines list_section(const Trends& trends, const std::vector<const protocol::ServiceStatus*>& services,
                   std::size_t chosen, std::size_t rows, const Paper& paper);

}  // namespace sluice::screen
