// A route: what a request must look like, and the service it goes to.
#include <algorithm>
#include <map>

#include "proxy/config/readers.hpp"

namespace sluice::config {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void read_header_matches(const Value& value, RouteSpec& route) {
  std::map<std::string, std::string> seen;  // header names are case-insensitive, RFC 9110 section 5.1
  value.pairs("header", [&](const std::string& name, const Value& v) {
    const auto wrong = token_error(name, "a header name");
    if (wrong) return v.complaints().add(v.key_place(), wrong->what, wrong->suggestion);
    if (const auto [first, added] = seen.emplace(lower(name), name); !added)
      return v.complaints().add(
          v.key_place(), "duplicate header " + quoted(name) + ", it is the same as " + quoted(first->second));
    std::string wanted;
    if (v.empty_or(wanted, field_value_error)) route.headers.emplace_back(name, wanted);
  });
}

void read_methods(const Value& value, RouteSpec& route) {
  value.each("a method", [&](const Value& element) {
    std::string method;
    if (!element.checked(method, method_error)) return;
    if (std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end())
      return element.complain("duplicate method " + quoted(method));
    route.methods.push_back(method);
  });
}

}  // namespace

void read_route(const Value& value, RouteSpec& route) {
  route.place = value.place();
  value.keys(
      {
          {"host", [&](const Value& v) { v.empty_or(route.host, host_pattern_error); }},
          {"path", [&](const Value& v) { v.checked(route.path, path_error); }},
          {"strip_prefix", [&](const Value& v) { v.flag(route.strip_prefix); }},
          {"headers", [&](const Value& v) { read_header_matches(v, route); }},
          {"methods", [&](const Value& v) { read_methods(v, route); }},
          {"service", [&](const Value& v) { v.text(route.service); }, kRequired},
      },
      &route.places);
  route.host = lower(std::move(route.host));
}

}  // namespace sluice::config
