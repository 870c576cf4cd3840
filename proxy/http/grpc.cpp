#include "proxy/http/grpc.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "proxy/http/text.hpp"

namespace sluice::http {

using std::chrono::milliseconds;

namespace {

constexpr std::string_view kGrpcType = "application/grpc";

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [name](const Field& field) { return iequals(field.name, name); });
  return found == fields.end() ? nullptr : &*found;
}

GrpcStatus read_status(std::string_view value) {
  std::uint64_t number = 0;
  if (!parse_decimal(value, kGrpcStatuses - 1, number)) return GrpcStatus::unknown;
  return static_cast<GrpcStatus>(number);
}

std::uint64_t micros_of_unit(char unit) {
  switch (unit) {
    case 'H':
      return 3'600'000'000;
    case 'M':
      return 60'000'000;
    case 'S':
      return 1'000'000;
    case 'm':
      return 1'000;
    case 'u':
      return 1;
    default:
      return 0;
  }
}

}  // namespace

bool is_grpc(std::string_view content_type) {
  if (content_type.size() < kGrpcType.size()) return false;
  if (!iequals(content_type.substr(0, kGrpcType.size()), kGrpcType)) return false;
  if (content_type.size() == kGrpcType.size()) return true;
  const char next = content_type[kGrpcType.size()];
  return next == '+' || next == ';' || next == ' ' || next == '\t';
}

std::optional<GrpcStatus> grpc_status(std::span<const Field> fields) {
  const Field* const field = find_field(fields, "grpc-status");
  if (!field) return std::nullopt;
  return read_status(field->value);
}

bool is_trailers_only(const ResponseHead& head) {
  const bool no_body =
      head.body == BodyLength::none || (head.body == BodyLength::known && head.content_length == 0);
  return no_body && grpc_status({head.fields.begin(), head.fields.size()}).has_value();
}

std::optional<milliseconds> parse_grpc_timeout(std::string_view value) {
  constexpr std::size_t kMostDigits = 8;
  if (value.size() < 2 || value.size() > kMostDigits + 1) return std::nullopt;
  const char unit = value.back();
  value.remove_suffix(1);
  std::uint64_t number = 0;
  if (!parse_decimal(value, 99'999'999, number)) return std::nullopt;
  if (unit == 'n') return milliseconds((number + 999'999) / 1'000'000);
  const std::uint64_t micros = micros_of_unit(unit);
  if (micros == 0) return std::nullopt;
  return std::min(milliseconds((number * micros + 999) / 1'000), kLongestGrpcTimeout);
}

std::optional<milliseconds> grpc_pushback(std::span<const Field> fields) {
  const Field* const field = find_field(fields, "grpc-retry-pushback-ms");
  if (!field) return std::nullopt;
  std::uint64_t number = 0;
  if (!parse_decimal(field->value, 0x7fffffff, number)) return milliseconds(-1);
  return milliseconds(number);
}

std::string encode_grpc_message(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

GrpcStatus grpc_status_for(int status) {
  switch (status) {
    case 400:
      return GrpcStatus::internal;
    case 404:
      return GrpcStatus::unimplemented;
    case 408:
    case 504:
      return GrpcStatus::deadline_exceeded;
    case 413:
    case 414:
    case 429:
    case 431:
      return GrpcStatus::resource_exhausted;
    case 502:
    case 503:
      return GrpcStatus::unavailable;
    default:
      return GrpcStatus::unknown;
  }
}

}  // namespace sluice::http
