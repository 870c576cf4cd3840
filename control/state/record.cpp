#include "control/state/record.hpp"

#include <array>
#include <boost/crc.hpp>
#include <cassert>
#include <optional>

namespace sluice::state {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kFrameSize = 8;

std::uint32_t le32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void put_le32(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) out.push_back(static_cast<char>(value & 0xff));
}

using Castagnoli = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

std::uint32_t checksum(std::string_view length, std::string_view payload) {
  Castagnoli crc;
  crc.process_bytes(length.data(), length.size());
  crc.process_bytes(payload.data(), payload.size());
  return crc.checksum();
}

// The payload of a whole record at the beginning of `bytes`.
std::optional<std::string_view> record_at(std::string_view bytes) {
  if (bytes.size() < kFrameSize + 2) return std::nullopt;
  const std::uint32_t length = le32(bytes);
  if (length < 2 || length > bytes.size() - kFrameSize) return std::nullopt;
  const std::string_view payload = bytes.substr(kFrameSize, length);
  if (payload.front() != '{' || payload.back() != '}') return std::nullopt;
  if (checksum(bytes.substr(0, kLengthSize), payload) != le32(bytes.substr(kLengthSize))) return std::nullopt;
  return payload;
}

// A whole record behind a damaged one: then the damage is no torn tail, for every record is synced before the
// next.
bool any_record_in(std::string_view bytes) {
  for (; bytes.size() > kFrameSize; bytes.remove_prefix(1))
    if (record_at(bytes)) return true;
  return false;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) { return checksum({}, bytes); }

std::string framed(std::string_view payload) {
  assert(payload.size() >= 2 && payload.front() == '{' && payload.back() == '}');
  std::string out;
  out.reserve(kFrameSize + payload.size());
  put_le32(out, static_cast<std::uint32_t>(payload.size()));
  put_le32(out, checksum(out, payload));
  return out.append(payload);
}

Records records_in(std::string_view bytes) {
  Records records;
  while (!bytes.empty()) {
    const auto payload = record_at(bytes);
    if (!payload) {
      records.ending = any_record_in(bytes.substr(1)) ? Ending::damaged : Ending::torn;
      break;
    }
    records.payloads.push_back(*payload);
    bytes.remove_prefix(kFrameSize + payload->size());
  }
  return records;
}

}  // namespace sluice::state
