// Which service a request goes to: host, path prefix, headers, method; first match in the order written wins.
// Pure.
//
// Nothing is normalised: the path is compared byte by byte as it arrived, up to the '?', and forwarded as it
// arrived. "/%61pi" is not "/api", "/api/../admin" begins with "/api", "//x" is not "/x". A route says where
// a request goes, not whether it may: a backend that decodes or folds paths must do its own access control.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/http/message.hpp"
#include "proxy/route/route_index.hpp"

namespace sluice::route {

struct RouteMatch {
  std::size_t service = 0;
  std::size_t route = 0;          // index in the order written, for explain
  std::string_view strip_prefix;  // without a final '/'; empty when the path is forwarded whole; lives as
                                  // long as the table
};

class RouteTable {
 public:
  RouteTable() = default;
  // It costs a microsecond or two a route, so snapshots share it. Requires: every route names a service of
  // `services` (validated).
  RouteTable(const std::vector<config::RouteSpec>& routes, const std::vector<std::string>& services);

  // No allocation. Host without its port and its final dot, compared without case; "*.example.com" stands for
  // one label or more. A path that ends in '/' matches what lies below it, any other one itself as well; "/"
  // matches all, `OPTIONS *` included. Header values and methods are compared exactly (GET does not include
  // HEAD); of repeated headers one is enough.
  std::optional<RouteMatch> find(const http::RequestHead& head) const;
  // Why route i does or does not match, one sentence; for explain. Requires: i < size().
  std::string why(std::size_t i, const http::RequestHead& head) const;
  std::size_t size() const { return routes_.size(); }
  // As written. Requires: i < size().
  std::string_view path(std::size_t i) const { return routes_[i].path; }

 private:
  struct Route {
    std::string host;  // as written
    std::string path;
    std::vector<std::string> methods;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string service_name;
    std::size_t service;
    std::size_t stripped;  // bytes of `path` that are not forwarded
    bool has_conditions;   // beside host and path
  };
  enum class Mismatch : std::uint8_t { none, host, path, method, header };
  static bool meets_conditions(const Route& route, const http::RequestHead& head);
  static Mismatch compare(const Route& route, std::string_view host, const http::RequestHead& head);
  static std::string described(const Route& route);

  std::vector<Route> routes_;
  RouteIndex index_;
};

}  // namespace sluice::route
