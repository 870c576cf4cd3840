// Reading JSON of no fixed shape leniently: what is missing or of another type is empty.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

const boost::json::object& object_of(const boost::json::value& value);
const boost::json::object& object_in(const boost::json::object& in, std::string_view key);
std::string text_in(const boost::json::object& in, std::string_view key);
std::optional<double> number_in(const boost::json::object& in, std::string_view key);
// A string without its quotes, anything else as JSON.
std::string plain(const boost::json::value& value);

}  // namespace sluice::cli
