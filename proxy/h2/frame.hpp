// HTTP/2's frames: types, flags, heads, numbers (RFC 9113 4.1, 6). Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/h2/error_code.hpp"

namespace sluice::h2 {

enum class FrameType : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation,
  // Any other is unknown, and is left unread.
};
inline constexpr std::size_t kFrameTypes = 10;

namespace flag {
inline constexpr std::uint8_t end_stream = 1, ack = 1, end_headers = 4, padded = 8, priority = 32;
}

inline constexpr std::size_t kFrameHeadSize = 9;
inline constexpr std::uint32_t kMaxFrameSize = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE is left at its default
// Of a frame of ours, which then fills a record of TLS.
inline constexpr std::uint32_t kMostData = kMaxFrameSize - kFrameHeadSize;

struct FrameHead {
  std::uint32_t size;  // of the payload
  FrameType type;
  std::uint8_t flags;
  StreamId stream;
  bool has(std::uint8_t one) const { return (flags & one) != 0; }
};

// Big-endian, as all numbers on the wire.
constexpr std::uint32_t read_number(const char* from, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}
constexpr void write_number(std::uint32_t value, std::size_t size, char* to) {
  for (std::size_t i = size; i-- > 0; value >>= 8) to[i] = static_cast<char>(value);
}

// Of four bytes at once, between the wire and this machine, either way.
constexpr std::uint32_t swap_number(std::uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}
inline FrameHead read_frame_head(const char* from) {
  std::uint32_t size_and_type, stream;
  std::memcpy(&size_and_type, from, 4);
  std::memcpy(&stream, from + 5, 4);
  size_and_type = swap_number(size_and_type);
  return {size_and_type >> 8, static_cast<FrameType>(size_and_type & 0xff),
          static_cast<std::uint8_t>(from[4]), static_cast<StreamId>(swap_number(stream) & 0x7fffffff)};
}
inline void write_frame_head(const FrameHead& head, char* to) {
  const std::uint32_t size_and_type =
      swap_number(head.size << 8 | static_cast<std::uint32_t>(static_cast<std::uint8_t>(head.type)));
  const std::uint32_t stream = swap_number(static_cast<std::uint32_t>(head.stream));
  std::memcpy(to, &size_and_type, 4);
  to[4] = static_cast<char>(head.flags);
  std::memcpy(to + 5, &stream, 4);
}

// RFC 9113 6.5.2, 8441 3, 9218 2.1.
enum class Setting : std::uint16_t {
  header_table_size = 1,
  enable_push,
  max_concurrent_streams,
  initial_window_size,
  max_frame_size,
  max_header_list_size,
  enable_connect_protocol = 8,
  no_rfc7540_priorities,
};

inline constexpr std::uint32_t kSettingSize = 6;  // an entry: a name and a value

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 3.4
inline constexpr std::uint32_t kDefaultWindow = 65535;
inline constexpr std::int64_t kMaxWindow = 0x7fffffff;

}  // namespace sluice::h2
