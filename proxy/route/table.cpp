#include "proxy/route/table.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_map>

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/http/text.hpp"

namespace sluice::route {
namespace {

using HeaderValues = std::vector<std::pair<std::string, std::string>>;

bool host_matches(std::string_view wanted, std::string_view host) {
  if (wanted.empty()) return true;
  if (!wanted.starts_with("*.")) return http::iequals(host, wanted);
  wanted.remove_prefix(1);
  return host.size() > wanted.size() && http::iequals(host.substr(host.size() - wanted.size()), wanted);
}

bool path_matches(std::string_view prefix, std::string_view path) {
  if (prefix == "/") return true;
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool has_header(const http::Fields& fields, const std::string& name, const std::string& value) {
  return std::ranges::any_of(fields, [&](const http::Field& field) {
    return field.value == value && http::iequals(field.name, name);
  });
}

bool has_headers(const http::Fields& fields, const HeaderValues& headers) {
  return std::ranges::all_of(headers, [&](const auto& h) { return has_header(fields, h.first, h.second); });
}

bool has_method(const std::vector<std::string>& methods, std::string_view method) {
  return methods.empty() || std::ranges::find(methods, method) != methods.end();
}

std::string missing_header(const http::Fields& fields, const HeaderValues& headers) {
  for (const auto& [name, value] : headers) {
    if (has_header(fields, name, value)) continue;
    const auto* field = fields.find(name);
    return "header " + name + " is " + (field ? sluice::quoted(field->value) : "absent") + ", not " +
           sluice::quoted(value);
  }
  return "every header is there";
}

}  // namespace

RouteTable::RouteTable(const std::vector<config::RouteSpec>& routes,
                       const std::vector<std::string>& services) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < services.size(); ++i) places.emplace(services[i], i);
  routes_.reserve(routes.size());
  std::vector<RouteIndex::Pattern> patterns;
  for (const auto& spec : routes) {
    const auto service = places.find(spec.service);
    assert(service != places.end());
    const auto path_size = spec.path.ends_with('/') ? spec.path.size() - 1 : spec.path.size();
    routes_.push_back({spec.host, spec.path.empty() ? "/" : spec.path, spec.methods, spec.headers,
                       spec.service, service->second, spec.strip_prefix ? path_size : 0,
                       !spec.methods.empty() || !spec.headers.empty()});
    patterns.push_back({spec.host, routes_.back().path});
  }
  index_ = RouteIndex(patterns);
}

bool RouteTable::meets_conditions(const Route& route, const http::RequestHead& head) {
  return has_method(route.methods, head.method) && has_headers(head.fields, route.headers);
}

std::optional<RouteMatch> RouteTable::find(const http::RequestHead& head) const {
  const auto found = index_.first(head.host, head.path, [&](std::uint32_t i) {
    return !routes_[i].has_conditions || meets_conditions(routes_[i], head);
  });
  if (found == RouteIndex::kNone) return std::nullopt;
  const Route& route = routes_[found];
  return RouteMatch{route.service, found, std::string_view(route.path).substr(0, route.stripped)};
}

// Without the index: what explain says is what the configuration says.
RouteTable::Mismatch RouteTable::compare(const Route& route, std::string_view host,
                                         const http::RequestHead& head) {
  if (!path_matches(route.path, head.path)) return Mismatch::path;
  if (!host_matches(route.host, host)) return Mismatch::host;
  if (!has_method(route.methods, head.method)) return Mismatch::method;
  if (!has_headers(head.fields, route.headers)) return Mismatch::header;
  return Mismatch::none;
}

std::string RouteTable::described(const Route& route) {
  std::string text = (route.host.empty() ? "any host" : "host " + route.host) + ", path " + route.path;
  if (!route.methods.empty())
    text += (route.methods.size() > 1 ? ", methods " : ", method ") + list_of(route.methods);
  for (const auto& [name, value] : route.headers) text += ", " + name + ": " + value;
  return text;
}

std::string RouteTable::why(std::size_t i, const http::RequestHead& head) const {
  const Route& route = routes_[i];
  const auto host = host_of(head.host);
  const auto name = "route " + std::to_string(i + 1) + " (" + described(route) + ") ";
  switch (compare(route, host, head)) {
    case Mismatch::none:
      return name + "matches: service " + route.service_name;
    case Mismatch::host:
      return name + "does not match: the host is " + sluice::quoted(host);
    case Mismatch::path:
      return name + "does not match: the path is " + sluice::quoted(head.path);
    case Mismatch::method:
      return name + "does not match: the method is " + sluice::quoted(head.method) + ", the route takes " +
             list_of(route.methods);
    case Mismatch::header:
      return name + "does not match: " + missing_header(head.fields, route.headers);
  }
  return name;
}

}  // namespace sluice::route
