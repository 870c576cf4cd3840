#include "proxy/base/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <string>

namespace sluice {

std::uint64_t hash64(std::string_view tag, std::string_view salt, std::string_view key) {
  const std::size_t size = tag.size() + 1 + 4 + salt.size() + key.size();
  char small[512];
  std::string large;
  char* out = small;
  if (size > sizeof small) {
    large.resize(size);
    out = large.data();
  }
  char* p = out;
  const auto put = [&p](std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
    p += bytes.size();
  };
  put(tag);
  *p++ = 0;
  const auto salt_size = static_cast<std::uint32_t>(salt.size());
  for (int i = 0; i < 4; ++i) *p++ = static_cast<char>(salt_size >> (8 * i));
  put(salt);
  put(key);
  return XXH3_64bits(out, size);
}

}  // namespace sluice
