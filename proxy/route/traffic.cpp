#include "proxy/route/traffic.hpp"

#include "proxy/base/hash.hpp"

namespace sluice::route {

bool is_on(const Flag& flag, std::string_view key) {
  if (key.empty()) return flag.share == kWhole;
  return scale(hash64("flag", flag.name, key), kWhole) < flag.share;
}

void append_flags(std::string& out, std::span<const Flag> flags, std::string_view key) {
  for (const Flag& flag : flags) {
    if (!out.empty()) out += ',';
    out.append(flag.name).append(is_on(flag, key) ? "=on" : "=off");
  }
}

bool is_mirrored(Share share, std::string_view salt, std::string_view key, std::uint64_t random) {
  return scale(key.empty() ? random : hash64("mirror", salt, key), kWhole) < share;
}

}  // namespace sluice::route
