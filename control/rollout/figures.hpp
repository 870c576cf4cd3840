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

// How a gate is named in a judgement, by the limit it is judged by: "error_rate max 5 %".
enum class LimitKind : std::uint8_t { max, max_increase };
std::string gate_name(const config::GateSpec& gate, LimitKind kind);

}  // namespace sluice::rollout
