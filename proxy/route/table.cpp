#include "proxy/route/table.hpp"

#include <algorithm>
#include <cassert>

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/http/text.hpp"

namespace sluice::route {
namespace {

// The host of an authority: no port, no final dot (example.com. is the same name, said absolutely).
std::string_view host_of(std::string_view authority) {
  const auto start = authority.starts_with('[') ? authority.find(']') : 0;
  auto host = authority.substr(0, authority.find(':', start == std::string_view::npos ? 0 : start));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool host_matches(std::string_view wanted, bool wildcard, std::string_view host) {
  if (wanted.empty()) return true;
  if (!wildcard) return http::iequals(host, wanted);
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

bool has_headers(const http::Fields& fields, const config::RouteSpec& spec) {
  return std::ranges::all_of(spec.headers,
                             [&](const auto& h) { return has_header(fields, h.first, h.second); });
}

bool has_method(const std::vector<std::string>& methods, std::string_view method) {
  return methods.empty() || std::ranges::find(methods, method) != methods.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), http::to_lower);
  return out;
}

std::string missing_header(const http::Fields& fields, const config::RouteSpec& spec) {
  for (const auto& [name, value] : spec.headers) {
    if (has_header(fields, name, value)) continue;
    const auto* field = fields.find(name);
    return "header " + name + " is " + (field ? sluice::quoted(field->value) : "absent") + ", not " +
           sluice::quoted(value);
  }
  return "every header is there";
}

std::string described(const config::RouteSpec& spec) {
  std::string text = (spec.host.empty() ? "any host" : "host " + spec.host) + ", path " + spec.path;
  if (!spec.methods.empty())
    text += (spec.methods.size() > 1 ? ", methods " : ", method ") + list_of(spec.methods);
  for (const auto& [name, value] : spec.headers) text += ", " + name + ": " + value;
  return text;
}

}  // namespace

RouteTable::RouteTable(const std::vector<config::RouteSpec>& routes,
                       const std::vector<std::string>& services) {
  for (const auto& spec : routes) {
    const auto service = std::ranges::find(services, spec.service);
    assert(service != services.end());
    const bool wildcard = spec.host.starts_with("*.");
    const auto path_size = spec.path.ends_with('/') ? spec.path.size() - 1 : spec.path.size();
    routes_.push_back({spec, static_cast<std::size_t>(service - services.begin()),
                       lower(wildcard ? std::string_view(spec.host).substr(1) : spec.host), wildcard,
                       spec.strip_prefix ? path_size : 0});
    if (spec.path.empty()) routes_.back().spec.path = "/";
  }
}

RouteTable::Mismatch RouteTable::compare(const Route& route, std::string_view host,
                                         const http::RequestHead& head) {
  if (!path_matches(route.spec.path, head.path)) return Mismatch::path;
  if (!host_matches(route.host, route.wildcard, host)) return Mismatch::host;
  if (!has_method(route.spec.methods, head.method)) return Mismatch::method;
  if (!has_headers(head.fields, route.spec)) return Mismatch::header;
  return Mismatch::none;
}

std::optional<RouteMatch> RouteTable::find(const http::RequestHead& head) const {
  const auto host = host_of(head.host);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    if (compare(route, host, head) != Mismatch::none) continue;
    return RouteMatch{route.service, i, std::string_view(route.spec.path).substr(0, route.stripped)};
  }
  return std::nullopt;
}

std::string RouteTable::why(std::size_t i, const http::RequestHead& head) const {
  const Route& route = routes_[i];
  const auto host = host_of(head.host);
  const auto name = "route " + std::to_string(i + 1) + " (" + described(route.spec) + ") ";
  switch (compare(route, host, head)) {
    case Mismatch::none:
      return name + "matches: service " + route.spec.service;
    case Mismatch::host:
      return name + "does not match: the host is " + sluice::quoted(host);
    case Mismatch::path:
      return name + "does not match: the path is " + sluice::quoted(head.path);
    case Mismatch::method:
      return name + "does not match: the method is " + sluice::quoted(head.method) + ", the route takes " +
             list_of(route.spec.methods);
    case Mismatch::header:
      return name + "does not match: " + missing_header(head.fields, route.spec);
  }
  return name;
}

}  // namespace sluice::route
