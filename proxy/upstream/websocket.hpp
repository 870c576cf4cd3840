// How a WebSocket's opening is proved over HTTP/1 (RFC 6455 4): by a key and its answer. HTTP/2 has none, so
// that where the two meet one is made, or answered, here. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::upstream {

using WebSocketKey = std::array<char, 24>;     // base64 of 16 bytes
using WebSocketAccept = std::array<char, 28>;  // base64 of a SHA-1

WebSocketKey make_websocket_key(const std::array<std::uint64_t, 3>& random);
// What a server answers to `key`.
WebSocketAccept websocket_accept(std::string_view key);

}  // namespace sluice::upstream
