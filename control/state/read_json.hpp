// Reading JSON and fields that may be missing or of another type: no exceptions, nothing instead.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::state {

// Null when it is no JSON. What operators write (a reason, a name) need not be UTF-8; it must not make the
// rest unreadable.
inline boost::json::value parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error, {}, options);
  return error ? boost::json::value() : value;
}

inline const boost::json::value* field(const boost::json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object ? object->if_contains(name) : nullptr;
}

template <class Number>
std::optional<Number> number_in(const boost::json::value& value) {
  boost::json::error_code error;
  const auto number = value.to_number<Number>(error);
  if (error || value.is_double()) return std::nullopt;
  return number;
}

template <class Number>
std::optional<Number> number_field(const boost::json::value& value, std::string_view name) {
  const auto* found = field(value, name);
  return found ? number_in<Number>(*found) : std::nullopt;
}

inline std::optional<std::string> text_field(const boost::json::value& value, std::string_view name) {
  const auto* found = field(value, name);
  const auto* text = found ? found->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string(*text);
}

inline const boost::json::array* array_field(const boost::json::value& value, std::string_view name) {
  const auto* found = field(value, name);
  return found ? found->if_array() : nullptr;
}

}  // namespace sluice::state
