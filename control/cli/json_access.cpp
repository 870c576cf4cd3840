#include "control/cli/json_access.hpp"

#include "control/protocol/write.hpp"

namespace sluice::cli {

namespace json = boost::json;

const json::object& object_of(const json::value& value) {
  static const json::object kNone;
  return value.is_object() ? value.get_object() : kNone;
}

const json::object& object_in(const json::object& in, std::string_view key) {
  static const json::value kNothing;
  const auto* value = in.if_contains(key);
  return object_of(value ? *value : kNothing);
}

std::string text_in(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<double> number_in(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  if (!value || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::string plain(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : protocol::write(value);
}

}  // namespace sluice::cli
