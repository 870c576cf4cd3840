// The status of a gRPC call, as gRPC numbers them, and what it says of whoever answered. Pure data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

enum class GrpcStatus : std::uint8_t {
  ok,
  cancelled,
  unknown,
  invalid_argument,
  deadline_exceeded,
  not_found,
  already_exists,
  permission_denied,
  resource_exhausted,
  failed_precondition,
  aborted,
  out_of_range,
  unimplemented,
  internal,
  unavailable,
  data_loss,
  unauthenticated,
};
inline constexpr std::size_t kGrpcStatuses = 17;

// As the configuration writes them, by their numbers.
inline constexpr std::array<std::string_view, kGrpcStatuses> kGrpcStatusNames = {
    "ok",        "cancelled",      "unknown",           "invalid_argument",   "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
    "aborted",   "out_of_range",   "unimplemented",     "internal",           "unavailable",
    "data_loss", "unauthenticated"};
// As the wire, the metrics and the access log write them.
inline constexpr std::array<std::string_view, kGrpcStatuses> kGrpcStatusNumbers = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};

constexpr std::string_view number_of(GrpcStatus status) {
  return kGrpcStatusNumbers[static_cast<std::size_t>(status)];
}

// Whose doing an outcome is (G4).
enum class GrpcClass : std::uint8_t {
  good,
  client_abort,  // the client took its call back
  client_error,  // counts as a 4xx
  pool_error,    // counts as a 5xx
};

constexpr GrpcClass class_of(GrpcStatus status) {
  switch (status) {
    case GrpcStatus::ok:
      return GrpcClass::good;
    case GrpcStatus::cancelled:
      return GrpcClass::client_abort;
    case GrpcStatus::unknown:
    case GrpcStatus::deadline_exceeded:
    case GrpcStatus::unimplemented:
    case GrpcStatus::internal:
    case GrpcStatus::unavailable:
    case GrpcStatus::data_loss:
      return GrpcClass::pool_error;
    case GrpcStatus::invalid_argument:
    case GrpcStatus::not_found:
    case GrpcStatus::already_exists:
    case GrpcStatus::permission_denied:
    case GrpcStatus::resource_exhausted:
    case GrpcStatus::failed_precondition:
    case GrpcStatus::aborted:
    case GrpcStatus::out_of_range:
    case GrpcStatus::unauthenticated:
      return GrpcClass::client_error;
  }
  return GrpcClass::pool_error;
}

}  // namespace sluice
