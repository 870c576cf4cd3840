// Which service a request goes to: host, path prefix, headers, method; first match in the order written wins. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/http/message.hpp"

namespace sluice::route {

struct RouteMatch {
  std::size_t service = 0;
  std::size_t route = 0;          // index in the order written, for explain
  std::string_view strip_prefix;  // empty when the path is forwarded whole; lives as long as the table
};

class RouteTable {
 public:
  RouteTable() = default;
  // Requires: every route names a service of `services` (validated).
  RouteTable(const std::vector<config::RouteSpec>& routes, const std::vector<std::string>& services);

  // No allocation. Host without its port, compared without case.
  std::optional<RouteMatch> find(const http::RequestHead& head) const;
  // Why route i does or does not match, one sentence; for explain.
  std::string why(std::size_t i, const http::RequestHead& head) const;
  std::size_t size() const { return routes_.size(); }

 private:
  struct Route {
    config::RouteSpec spec;
    std::size_t service;
  };
  std::vector<Route> routes_;
};

}  // namespace sluice::route
