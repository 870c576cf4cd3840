// What `sluicectl report` asks. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/describe.hpp"
#include "control/protocol/problem.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

// The answer is a document: Markdown, HTML or JSON.
struct GetReport {
  std::string service;
  std::uint32_t rollout = 0;          // the generation that began it; 0: the last one
  std::optional<milliseconds> since;  // the shifts of that time instead
  std::string format = "json";        // or "md", "html"

  static constexpr Route kRoutes[] = {reads("GET", "/v1/services/{service}/report")};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void query(auto& self, auto& visit) {
    visit("rollout", self.rollout);
    visit("since", self.since);
    visit("format", self.format);
  }
};
std::optional<Problem> check(const GetReport& report);

}  // namespace sluice::protocol
