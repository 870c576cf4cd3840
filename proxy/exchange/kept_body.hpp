// What was sent on of a body that comes in pieces, so that another backend can be given it as well (R1). It
// is kept while it is small; a longer body can be sent once. Worker only.
#pragma once

#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/frames.hpp"
#include "proxy/client/client_stream.hpp"

namespace sluice::exchange {

class KeptBody {
 public:
  static constexpr std::size_t kMost = Buffer::kSmall;  // bytes

  explicit KeptBody(client::ClientStream& client) : client_(client) {}
  ~KeptBody() { forget(); }
  KeptBody(const KeptBody&) = delete;
  KeptBody& operator=(const KeptBody&) = delete;
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // A further piece. Forgets all when it becomes too much, for one body or for the client's connection.
  void add(std::string_view piece);
  // It is not needed any more, or cannot be had.
  void forget();
  // All that was added is there.
  bool is_whole() const { return is_whole_; }
  std::string_view view() const { return bytes_.view(); }

 private:
  client::ClientStream& client_;
  Buffer bytes_;
  std::uint16_t counted_ = 0;  // bytes of storage, as the client's connection was told
  bool is_whole_ = true;
};

}  // namespace sluice::exchange
