#include "proxy/net/proxy_protocol.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "proxy/http/text.hpp"

namespace sluice::net {
namespace {

using Status = ProxyHeader::Status;

constexpr ProxyHeader kNoProxyHeader{Status::malformed, 0, false, {}};
constexpr std::string_view kV1 = "PROXY ";
constexpr std::size_t kMaxV1 = 107;  // with its CRLF; section 2.1
constexpr std::string_view kV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Fixed = 16;

constexpr std::uint8_t kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31, kUnspecified = 0x00;
constexpr std::size_t kTcp4Size = 12, kTcp6Size = 36, kUnixSize = 216;

// The two ends of IPv4 in an Ip begin behind the mapped prefix.
constexpr std::size_t kV4At = 12, kV4Size = 4;

std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// Digits without leading zeros.
bool read_port(std::string_view text, std::uint16_t& port) {
  std::uint64_t number = 0;
  if (text.empty() || (text.size() > 1 && text[0] == '0') || !http::parse_decimal(text, 65535, number))
    return false;
  port = static_cast<std::uint16_t>(number);
  return true;
}

bool read_address(std::string_view text, bool v6, Ip& ip) {
  if ((text.find(':') != std::string_view::npos) != v6) return false;
  const auto parsed = parse_ip(text);
  if (parsed) ip = *parsed;
  return parsed.has_value();
}

ProxyHeader read_v1(std::string_view data) {
  const auto head = data.substr(0, kMaxV1);
  const auto end = head.find_first_of("\r\n");
  if (end == std::string_view::npos || end + 1 == head.size())
    return data.size() >= kMaxV1 || head.ends_with('\n') ? kNoProxyHeader : ProxyHeader{};
  if (head.substr(end, 2) != "\r\n") return kNoProxyHeader;
  ProxyHeader out{Status::done, end + 2, false, {}};
  std::string_view line = head.substr(kV1.size(), end - kV1.size());
  const bool ends_with_blank = line.ends_with(' ');
  const auto family = take_word(line);
  if (family == "UNKNOWN") {  // whatever stands behind it is to be ignored
    out.local = true;
    return out;
  }
  if ((family != "TCP4" && family != "TCP6") || ends_with_blank) return kNoProxyHeader;
  const bool v6 = family == "TCP6";
  const auto source = take_word(line), destination = take_word(line);
  const auto from = take_word(line), to = take_word(line);
  const bool sound = read_address(source, v6, out.ends.source.ip) &&
                     read_address(destination, v6, out.ends.destination.ip) &&
                     read_port(from, out.ends.source.port) && read_port(to, out.ends.destination.port);
  return sound && line.empty() ? out : kNoProxyHeader;
}

std::uint16_t number_at(std::string_view data, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(data[at]) << 8 |
                                    static_cast<unsigned char>(data[at + 1]));
}

// Type, length, value, again and again; they fill the rest exactly.
bool sound_tlvs(std::string_view rest) {
  constexpr std::size_t kHead = 3;
  while (!rest.empty()) {
    if (rest.size() < kHead) return false;
    const std::size_t size = kHead + number_at(rest, 1);
    if (rest.size() < size) return false;
    rest.remove_prefix(size);
  }
  return true;
}

SocketAddresses read_ends(std::string_view block, bool v6) {
  SocketAddresses ends;
  const std::size_t size = v6 ? 16 : kV4Size;
  for (IpPort* end : {&ends.source, &ends.destination}) {
    if (!v6) end->ip.bytes[10] = end->ip.bytes[11] = 0xff;
    std::memcpy(end->ip.bytes.data() + (v6 ? 0 : kV4At), block.data() + (end == &ends.source ? 0 : size),
                size);
    end->port = number_at(block, 2 * size + (end == &ends.source ? 0 : 2));
  }
  return ends;
}

ProxyHeader read_v2(std::string_view data) {
  if (data.size() > kV2.size()) {
    const auto command = static_cast<unsigned char>(data[kV2.size()]);
    if (command != 0x20 && command != 0x21) return kNoProxyHeader;
  }
  if (data.size() < kV2Fixed) return {};
  ProxyHeader out{Status::done, kV2Fixed + number_at(data, 14), data[kV2.size()] == 0x20, {}};
  if (out.size > kMaxProxyHeader) return kNoProxyHeader;
  const auto family = static_cast<std::uint8_t>(data[13]);
  std::size_t addresses = 0;
  if (family == kTcp4) {
    addresses = kTcp4Size;
  } else if (family == kTcp6) {
    addresses = kTcp6Size;
  } else if (family == kUnixStream) {
    addresses = kUnixSize;
  } else if (family != kUnspecified) {
    return kNoProxyHeader;
  }
  // The address block of LOCAL and of UNSPEC is to be ignored whatever it is: no TLVs can be told from it.
  const bool ignored = out.local || family == kUnspecified;
  if (!ignored && out.size < kV2Fixed + addresses) return kNoProxyHeader;
  if (data.size() < out.size) return {};
  const auto block = data.substr(kV2Fixed, out.size - kV2Fixed);
  if (!ignored && !sound_tlvs(block.substr(addresses))) return kNoProxyHeader;
  out.local = ignored || family == kUnixStream;
  if (!out.local) out.ends = read_ends(block, family == kTcp6);
  return out;
}

std::string_view write_v1(const SocketAddresses& ends, ProxyHeaderText& storage) {
  const bool v4 = ends.source.ip.is_v4() && ends.destination.ip.is_v4();
  const auto text = [v4](const Ip& ip, IpText& room) {
    const auto formatted = format_ip(ip, room);
    if (v4 || !ip.is_v4()) return formatted.data();
    std::memmove(room + 7, room, formatted.size() + 1);  // of two families: the IPv4 one in its mapped form
    std::memcpy(room, "::ffff:", 7);
    return static_cast<const char*>(room);
  };
  IpText source, destination;
  const int size = std::snprintf(storage, sizeof storage, "PROXY %s %s %s %u %u\r\n", v4 ? "TCP4" : "TCP6",
                                 text(ends.source.ip, source), text(ends.destination.ip, destination),
                                 ends.source.port, ends.destination.port);
  return {storage, static_cast<std::size_t>(size)};
}

std::string_view write_v2(const SocketAddresses* ends, ProxyHeaderText& storage) {
  const bool v4 = ends && ends->source.ip.is_v4() && ends->destination.ip.is_v4();
  const std::size_t size = !ends ? 0 : v4 ? kTcp4Size : kTcp6Size;
  char* out = std::copy(kV2.begin(), kV2.end(), storage);
  *out++ = ends ? 0x21 : 0x20;
  *out++ = static_cast<char>(!ends ? kUnspecified : v4 ? kTcp4 : kTcp6);
  *out++ = 0;
  *out++ = static_cast<char>(size);
  if (!ends) return {storage, kV2Fixed};
  for (const IpPort* end : {&ends->source, &ends->destination})
    out = std::copy(end->ip.bytes.begin() + (v4 ? kV4At : 0), end->ip.bytes.end(), out);
  for (const IpPort* end : {&ends->source, &ends->destination}) {
    *out++ = static_cast<char>(end->port >> 8);
    *out++ = static_cast<char>(end->port & 0xff);
  }
  return {storage, kV2Fixed + size};
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view data) {
  const auto begins = [data](std::string_view with) {
    return data.substr(0, with.size()) == with.substr(0, data.size());
  };
  if (begins(kV2)) return data.size() < kV2.size() ? ProxyHeader{} : read_v2(data);
  if (begins(kV1)) return data.size() < kV1.size() ? ProxyHeader{} : read_v1(data);
  return kNoProxyHeader;
}

std::string_view write_proxy_header(ProxyVersion version, const SocketAddresses* ends,
                                    ProxyHeaderText& storage) {
  if (version == ProxyVersion::v2) return write_v2(ends, storage);
  if (ends) return write_v1(*ends, storage);
  constexpr std::string_view kUnknown = "PROXY UNKNOWN\r\n";
  std::copy(kUnknown.begin(), kUnknown.end(), storage);
  return {storage, kUnknown.size()};
}

}  // namespace sluice::net
