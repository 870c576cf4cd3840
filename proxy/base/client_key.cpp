#include "proxy/base/client_key.hpp"

#include <arpa/inet.h>

#include <cstring>

#include "proxy/base/hash.hpp"

namespace sluice {

std::uint64_t client_key(std::string_view address) {
  constexpr std::size_t kNetwork = 8;  // bytes of a /64
  char text[INET6_ADDRSTRLEN] = "";
  in6_addr v6;
  if (address.find(':') == std::string_view::npos || address.size() >= sizeof text)
    return hash64("client", "", address);
  std::memcpy(text, address.data(), address.size());
  if (inet_pton(AF_INET6, text, &v6) != 1) return hash64("client", "", address);
  return hash64("client", "", {reinterpret_cast<const char*>(&v6), kNetwork});
}

}  // namespace sluice
