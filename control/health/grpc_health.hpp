// grpc.health.v1.Health/Check, the few bytes of protobuf that it takes written and read by hand. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::health {

inline constexpr std::string_view kHealthMethod = "/grpc.health.v1.Health/Check";

enum class Serving : std::uint8_t { unknown, serving, not_serving, service_unknown };
std::string_view to_string(Serving serving);

// The request as the one message of a call's body. Empty `service`: the server as a whole.
std::string health_request(std::string_view service);
// The answer in a call's body. Nothing when it is none.
std::optional<Serving> read_health_answer(std::string_view body);

}  // namespace sluice::health
