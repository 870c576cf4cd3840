// HTTP/1 heads: what a message means, and the words that only its wire has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/base/task.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http1 {

enum class Version : std::uint8_t { http10, http11 };
enum class Framing : std::uint8_t { none, length, chunked, until_close };

// A head has some 4 KB, and most live as long as one message: those on the heap come from the same
// lists as the frames of coroutines. They are freed on the thread that made them.
struct FromFrames {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* head, std::size_t size) noexcept { free_frame(head, size); }
};

struct RequestHead : http::RequestHead, FromFrames {
  Version version = Version::http11;
  Framing framing = Framing::none;  // never until_close
  bool keep_alive = false;          // the client lets the connection live on
  std::size_t size = 0;             // bytes of the head, the final CRLF and a leading empty line included
};

constexpr std::uint32_t kKeptUnsaid = UINT32_MAX;

struct ResponseHead : http::ResponseHead, FromFrames {
  Version version = Version::http11;
  Framing framing = Framing::none;
  bool keep_alive = false;  // the backend lets the connection live on
  // Keep-Alive: for so many seconds the backend keeps the connection while nobody uses it.
  std::uint32_t kept_seconds = kKeptUnsaid;
  std::size_t size = 0;
};

}  // namespace sluice::http1
