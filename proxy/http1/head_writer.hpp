// Appends the lines of a head to a buffer.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

inline constexpr std::string_view kVia = "Via: 1.1 sluice\r\n";

class HeadWriter {
 public:
  explicit HeadWriter(Buffer& out) : out_(out) {}

  // The parts, one after the other, with one check for room.
  template <class... Parts>
  void put(const Parts&... parts) {
    const std::size_t size = (view(parts).size() + ...);
    char* room = out_.room();
    if (out_.room_size() >= size) {
      ((room = copy(view(parts), room)), ...);
      out_.commit(size);
    } else {
      (append(view(parts)), ...);
    }
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
  static constexpr std::string_view view(std::string_view part) { return part; }
  template <std::size_t N>
  static constexpr std::string_view view(const char (&literal)[N]) {
    return {literal, N - 1};  // no strlen
  }
  // An empty part may be a null view.
  static char* copy(std::string_view part, char* to) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    return to + part.size();
  }
  void append(std::string_view part) {
    if (!part.empty()) out_.append(part);
  }

  Buffer& out_;
};

inline void put_framing(Framing framing, std::uint64_t length, HeadWriter& out) {
  if (framing == Framing::length) out.field("Content-Length", length);
  if (framing == Framing::chunked) out.put("Transfer-Encoding: chunked\r\n");
}

}  // namespace sluice::http1
