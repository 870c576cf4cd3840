#include "control/admin/config_json.hpp"

#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace sluice::admin {

namespace json = boost::json;

namespace {

json::value scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);  // it was quoted
  if (text == "true" || text == "false") return text == "true";
  std::int64_t number = 0;
  if (YAML::convert<std::int64_t>::decode(node, number) && std::to_string(number) == text) return number;
  double real = 0;
  if (text.find_first_not_of("0123456789.-") == std::string::npos &&
      YAML::convert<double>::decode(node, real))
    return real;
  return json::value(text);
}

json::value convert(const YAML::Node& node) {
  if (node.IsMap()) {
    json::object object;
    for (const auto& pair : node) object[pair.first.Scalar()] = convert(pair.second);
    return object;
  }
  if (node.IsSequence()) {
    json::array array;
    for (const auto& item : node) array.push_back(convert(item));
    return array;
  }
  return node.IsScalar() ? scalar(node) : json::value(nullptr);
}

}  // namespace

json::value json_from_yaml(const std::string& yaml) { return convert(YAML::Load(yaml)); }

}  // namespace sluice::admin
