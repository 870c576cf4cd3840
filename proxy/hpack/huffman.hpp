// HPACK's Huffman code (RFC 7541 5.2, Appendix B). Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::hpack {

// Bytes of `text` in the code.
std::size_t huffman_size(std::string_view text);
// Writes huffman_size(text) bytes; returns their end.
char* huffman_encode(std::string_view text, char* to);

// Bytes that `size` bytes of code hold at most: its shortest sign has 5 bits.
constexpr std::size_t huffman_decoded_bound(std::size_t size) { return size * 8 / 5; }
// Writes at most that many bytes; returns their end. Null: it is no text in the code (a sign that is none,
// EOS, or an end that is not less than 8 bits of EOS).
char* huffman_decode(std::string_view code, char* to);

}  // namespace sluice::hpack
