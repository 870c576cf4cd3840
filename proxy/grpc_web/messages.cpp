#include "proxy/grpc_web/messages.hpp"

#include <algorithm>

#include "proxy/http/text.hpp"

namespace sluice::grpc_web {
namespace {

constexpr unsigned char kTrailers = 0x80;
constexpr std::string_view kColon = ": ", kLineEnd = "\r\n";

void put_line(const http::Field& field, Buffer& out) {
  for (const char c : field.name) out.append(http::to_lower(c));
  out.append(kColon);
  out.append(field.value);
  out.append(kLineEnd);
}

}  // namespace

void MessageBounds::add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const auto taken = std::min<std::uint64_t>(left_, bytes.size());
      left_ -= taken;
      bytes.remove_prefix(taken);
      continue;
    }
    length_ = length_ << 8 | static_cast<unsigned char>(bytes[0]);  // the first byte of five falls out
    bytes.remove_prefix(1);
    if (++seen_ < kPrefix) continue;
    left_ = length_;
    seen_ = length_ = 0;
  }
}

void write_trailer_frame(std::span<const http::Field> trailers, Buffer& out) {
  std::size_t size = 0;
  for (const auto& field : trailers)
    size += field.name.size() + kColon.size() + field.value.size() + kLineEnd.size();
  out.reserve(kPrefix + size);
  out.append(static_cast<char>(kTrailers));
  for (const int shift : {24, 16, 8, 0}) out.append(static_cast<char>(size >> shift));
  for (const auto& field : trailers) put_line(field, out);
}

}  // namespace sluice::grpc_web
