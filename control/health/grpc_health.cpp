#include "control/health/grpc_health.hpp"

namespace sluice::health {
namespace {

// protobuf.dev/programming-guides/encoding: a tag is the field's number and its wire type.
enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
constexpr char tag(int field, Wire wire) { return static_cast<char>(field << 3 | static_cast<int>(wire)); }

// Before each message of a call: whether it is compressed, and its size in four bytes.
constexpr std::size_t kPrefix = 5;

void append_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

bool take_varint(std::string_view& in, std::uint64_t& value) {
  constexpr int kMostBytes = 10;
  value = 0;
  for (int i = 0; i < kMostBytes && !in.empty(); ++i) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) return true;
  }
  return false;
}

bool skip(std::string_view& in, std::size_t size) {
  if (in.size() < size) return false;
  in.remove_prefix(size);
  return true;
}

// A field that is not asked for.
bool skip_value(std::string_view& in, Wire wire) {
  std::uint64_t size = 0;
  switch (wire) {
    case Wire::varint:
      return take_varint(in, size);
    case Wire::fixed64:
      return skip(in, 8);
    case Wire::bytes:
      return take_varint(in, size) && skip(in, size);
    case Wire::fixed32:
      return skip(in, 4);
  }
  return false;
}

}  // namespace

std::string_view to_string(Serving serving) {
  switch (serving) {
    case Serving::serving:
      return "SERVING";
    case Serving::not_serving:
      return "NOT_SERVING";
    case Serving::service_unknown:
      return "SERVICE_UNKNOWN";
    case Serving::unknown:
      break;
  }
  return "UNKNOWN";
}

std::string health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += tag(1, Wire::bytes);
    append_varint(service.size(), message);
    message += service;
  }
  std::string body(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) body += static_cast<char>(message.size() >> shift);
  return body + message;
}

std::optional<Serving> read_health_answer(std::string_view body) {
  if (body.size() < kPrefix || body[0] != '\0') return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
  body.remove_prefix(kPrefix);
  if (body.size() != size) return std::nullopt;
  std::uint64_t status = 0, key = 0;  // a status of 0 is not written
  while (!body.empty()) {
    if (!take_varint(body, key)) return std::nullopt;
    const auto wire = static_cast<Wire>(key & 7);
    const bool is_status = key >> 3 == 1 && wire == Wire::varint;
    if (is_status ? !take_varint(body, status) : !skip_value(body, wire)) return std::nullopt;
  }
  constexpr auto kLast = static_cast<std::uint64_t>(Serving::service_unknown);
  return status > kLast ? Serving::unknown : static_cast<Serving>(status);
}

}  // namespace sluice::health
