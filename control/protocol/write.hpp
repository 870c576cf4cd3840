// JSON as text for people and scripts: 0.95 where Boost.JSON writes 9.5E-1.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace sluice::protocol {

// Compact, on one line. Numbers in their shortest form that reads back as the same value; what is no number
// (NaN) is null.
std::string write(const boost::json::value& value);

}  // namespace sluice::protocol
