// Numbers and gates as people read them, in the judge's sentences. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/config/spec.hpp"

namespace sluice::rollout {

std::string percent(double fraction);                        // "1.25 %", "0.0031 %"
std::string seconds(double seconds);                         // "250 ms", "1.5 s", "340 us"
std::string number(double value);                            // four significant digits
std::string count(std::uint64_t n, std::string_view thing);  // "1 request", "20 requests"

// "p95" is 0.95, "p99" 0.99, "p999" 0.999; nullopt for what is no quantile.
std::optional<double> quantile_of(std::string_view metric);

// Of its values: "rate" (fractions), "seconds", or empty for a query's own.
std::string unit_of(const config::GateSpec& gate);

// How a gate is named in a judgement, by the limit it is judged by: "error_rate max 5 %", "query 2 max 5",
// "errors max 5" (a name of its own), "exec ./verify.sh".
enum class LimitKind : std::uint8_t { max, max_increase };
std::string gate_name(const config::GateSpec& gate, LimitKind kind);

}  // namespace sluice::rollout
