// Appends the lines of a head to a buffer.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/base/buffer.hpp"

namespace sluice::http {

class HeadWriter {
 public:
  explicit HeadWriter(Buffer& out) : out_(out) {}

  // The parts, one after the other, with one check for room.
  template <class... Parts>
  void put(const Parts&... parts) {
    const std::size_t size = (std::string_view(parts).size() + ...);
    char* room = out_.room();
    if (out_.room_size() < size) return (out_.append(parts), ...);
    ((std::memcpy(room, std::string_view(parts).data(), std::string_view(parts).size()),
      room += std::string_view(parts).size()),
     ...);
    out_.commit(size);
  }
  void field(std::string_view name, std::string_view value) { put(name, ": ", value, "\r\n"); }
  void field(std::string_view name, std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  void status_line(int status, std::string_view reason) {
    const char digits[] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                           static_cast<char>('0' + status % 10), ' '};
    put("HTTP/1.1 ", std::string_view(digits, sizeof digits), reason, "\r\n");
  }
  void end() { put("\r\n"); }

 private:
  Buffer& out_;
};

}  // namespace sluice::http
