// The types of gRPC-Web, which a browser speaks where gRPC itself wants HTTP/2 and trailers: which request is
// such a call, and how its types are written to either side (PROTOCOL-WEB of gRPC). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/message.hpp"

namespace sluice::grpc_web {

// How the bytes of a body are written.
enum class Coding : std::uint8_t {
  binary,
  text,  // base64
};

struct Call {
  Coding sent = Coding::binary;    // of the request
  Coding wanted = Coding::binary;  // of the answer
  std::string_view format = {};    // of the messages, "+proto"; empty: not said. A view into the head
};

// A POST with a type of gRPC-Web. The answer is wanted as Accept says, else as the request came.
std::optional<Call> read_call(const http::RequestHead& head);

// A type in words.
class TypeText {
 public:
  std::string_view view() const { return {text_.data(), size_}; }
  void append(std::string_view text);

 private:
  std::array<char, 64> text_;
  std::size_t size_ = 0;
};
TypeText type_for_backend(const Call& call);
// Who writes it says the format, and where it was not said it is protobuf.
TypeText type_for_client(const Call& call);

}  // namespace sluice::grpc_web
