// Where spans of requests go, as configured. Plain structs; every default and every key stands here once
// (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/config/plan_spec.hpp"

namespace sluice::config {

// A collector that speaks OTLP over HTTP with JSON. Off without an endpoint.
struct TracingSpec {
  std::string endpoint;        // its base URL, to which /v1/traces is added
  Share ratio = kWhole / 100;  // of the traces that begin here; those of a traceparent go by its flag
  bool errors = true;          // requests that failed are told of in any case
  std::string service_name = "sluice";
  std::vector<std::pair<std::string, std::string>> headers;  // of every request to it; values are secrets
  ReachSpec reach;
  Places places;
  Place place;
  bool on() const { return !endpoint.empty(); }
  bool operator==(const TracingSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("endpoint", self.endpoint, Text{collector_error}, kRequired);
    visit("ratio", self.ratio, Percent{});
    visit("errors", self.errors);
    visit("service_name", self.service_name, Text{});
    visit("headers", self.headers, SecretHeaders{});
    visit("ca", self.reach.ca, FileName{});
    visit("basic_auth", self.reach);
    visit("bearer_file", self.reach.bearer_file, FileName{});
  }
};

}  // namespace sluice::config
