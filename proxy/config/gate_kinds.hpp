// Gates and verify checks are of one of several kinds. The key that names the kind says which others may
// stand beside it; a dump writes them in this order. Pure data.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "proxy/config/plan_spec.hpp"

namespace sluice::config {

struct KindOfMap {
  std::string_view key;
  std::span<const std::string_view> keys;   // that it may have, its own among them
  std::span<const std::string_view> needs;  // of these
  bool has(std::string_view wanted) const { return std::ranges::find(keys, wanted) != keys.end(); }
};

namespace kinds_of_maps {
inline constexpr std::string_view kMetric[] = {"metric", "against", "max", "warn", "max_increase"};
inline constexpr std::string_view kPrometheus[] = {"name", "prometheus", "query",      "max",
                                                   "warn", "on_empty",   "min_age",    "timeout",
                                                   "ca",   "basic_auth", "bearer_file"};
inline constexpr std::string_view kPrometheusNeeds[] = {"query", "max"};
inline constexpr std::string_view kExec[] = {"name", "exec", "timeout"};
inline constexpr std::string_view kHttp[] = {"name", "http", "timeout", "ca", "basic_auth", "bearer_file"};
inline constexpr std::string_view kCommand[] = {"exec", "timeout"};
inline constexpr std::string_view kRequest[] = {"method", "path", "expect", "body", "within", "host"};
}  // namespace kinds_of_maps

inline constexpr std::array<KindOfMap, 4> kGateKinds = {
    {{"metric", kinds_of_maps::kMetric, {}},
     {"prometheus", kinds_of_maps::kPrometheus, kinds_of_maps::kPrometheusNeeds},
     {"exec", kinds_of_maps::kExec, {}},
     {"http", kinds_of_maps::kHttp, {}}}};
inline const KindOfMap& kind_of(const GateSpec& gate) {
  return kGateKinds[!gate.prometheus.empty() ? 1 : !gate.exec.empty() ? 2 : !gate.http.empty() ? 3 : 0];
}
// The unit of its limits: a duration for quantiles, a percentage for the other metrics.
inline bool is_latency(const GateSpec& gate) { return gate.metric.starts_with('p'); }
// Is so or is not: it has no limit.
inline bool is_rollback_ready(const GateSpec& gate) { return gate.metric == "rollback_ready"; }

inline constexpr std::array<KindOfMap, 2> kVerifyKinds = {
    {{"exec", kinds_of_maps::kCommand, {}}, {"path", kinds_of_maps::kRequest, {}}}};
inline const KindOfMap& kind_of(const VerifySpec& verify) {
  return kVerifyKinds[verify.exec.empty() ? 1 : 0];
}

}  // namespace sluice::config
