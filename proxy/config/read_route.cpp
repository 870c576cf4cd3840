// A route: what a request must look like, and the service it goes to.
#include <algorithm>
#include <map>

#include "proxy/config/keys.hpp"

namespace sluice::config {

void read(const YamlValue& value, std::vector<std::pair<std::string, std::string>>& headers, HeaderMatches) {
  std::map<std::string, std::string> seen;  // header names are case-insensitive, RFC 9110 section 5.1
  value.pairs("header", [&](const std::string& name, const YamlValue& v) {
    if (const Invalid invalid = token_error(name, "a header name"))
      return v.complaints().add(v.key_place(), invalid->what, invalid->suggestion);
    if (const auto [first, added] = seen.emplace(lower(name), name); !added)
      return v.complaints().add(
          v.key_place(), "duplicate header " + quoted(name) + ", it is the same as " + quoted(first->second));
    std::string wanted;
    if (v.empty_or(wanted, field_value_error)) headers.emplace_back(name, wanted);
  });
}

void read(const YamlValue& value, std::vector<std::string>& methods, Methods) {
  value.each("a method", [&](const YamlValue& element) {
    std::string method;
    if (!element.checked(method, method_error)) return;
    if (std::find(methods.begin(), methods.end(), method) != methods.end())
      return element.complain("duplicate method " + quoted(method));
    methods.push_back(method);
  });
}

void read(const YamlValue& value, RouteSpec& route, Plain) {
  read_keys(value, route);
  route.host = lower(std::move(route.host));
}

}  // namespace sluice::config
