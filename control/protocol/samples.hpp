// What the page follows: the numbers of each pool now (an event of the stream, once a second), and a quarter
// of an hour of them. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/describe.hpp"
#include "control/protocol/fields.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

// As PoolStatus has them.
struct PoolSample {
  std::string name;
  Share share = 0;
  std::optional<double> share_measured;
  double requests_per_second = 0;
  std::optional<double> error_rate, p50_ms, p95_ms, p99_ms;
  std::uint64_t in_flight = 0;
  std::uint64_t eligible = 0;  // backends that take requests
};
struct ServiceSample {
  std::string name;
  std::vector<PoolSample> pools;
};
struct Sample {
  std::string time;
  std::uint64_t generation = 0;
  std::vector<ServiceSample> services;
};

// A pool is an array of its nine numbers, in their order above:
// {"type":"sample","time":"...","generation":7,"services":{"api":{"blue":[0.95,0.9512,410.5,0.001,1.2,8.1,20.4,3,2]}}}
std::string to_text(const Sample& sample);

// Columns, the oldest first, each as long as the others.
struct PoolColumns {
  std::string name;
  std::vector<Share> share;
  std::vector<std::uint32_t> requests, errors, in_flight;
  std::vector<float> p50_ms, p95_ms, p99_ms;  // negative: nothing was answered
};
struct SampleHistory {
  std::string service;
  milliseconds interval{0};
  std::string until;  // the end of the last interval; empty before the first
  std::vector<PoolColumns> pools;
};
boost::json::object to_json(const SampleHistory& history);

struct GetSamples {
  std::string service;

  static constexpr Route kRoutes[] = {reads("GET", "/v1/history/samples")};
  static void query(auto& self, auto& visit) { visit("service", self.service); }
};
std::optional<Problem> check(const GetSamples& samples);

}  // namespace sluice::protocol
