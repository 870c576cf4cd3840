#include "proxy/upstream/websocket.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <string>

namespace sluice::upstream {
namespace {

// As EVP_EncodeBlock() writes it, without the NUL behind it.
template <std::size_t size, std::size_t bytes>
std::array<char, size> base64(const unsigned char (&data)[bytes]) {
  static_assert(size == (bytes + 2) / 3 * 4);
  unsigned char text[size + 1];
  EVP_EncodeBlock(text, data, static_cast<int>(bytes));
  std::array<char, size> out;
  std::memcpy(out.data(), text, size);
  return out;
}

}  // namespace

// A nonce, no secret: it proves that the answer is to this opening. Not the numbers that name the request.
WebSocketKey make_websocket_key(const std::array<std::uint64_t, 3>& random) {
  const std::uint64_t numbers[] = {random[2], random[0] ^ (random[1] << 1)};
  unsigned char bytes[sizeof numbers];
  std::memcpy(bytes, numbers, sizeof numbers);
  return base64<std::tuple_size_v<WebSocketKey>>(bytes);
}

WebSocketAccept websocket_accept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
  const std::string text = std::string(key).append(kGuid);
  unsigned char digest[20] = {};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64<std::tuple_size_v<WebSocketAccept>>(digest);
}

}  // namespace sluice::upstream
