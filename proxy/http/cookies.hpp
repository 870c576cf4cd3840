// Single values out of Cookie fields and query strings, as sticky keys and overrides need them. Nothing is
// decoded. Pure.
#pragma once

#include <string_view>

#include "proxy/http/message.hpp"

namespace sluice::http {

// The first cookie of that exact name, without quotes around it; empty when there is none.
std::string_view cookie_value(const Fields& fields, std::string_view name);

// The first `name=value` of a query (without '?'); empty when there is none.
std::string_view query_value(std::string_view query, std::string_view name);

}  // namespace sluice::http
