// A request that outlives the bytes it came in: the head, what it goes on with, and a body that may still be
// coming. For copies (M1). Worker only.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/forward.hpp"

namespace sluice::http {

class StoredRequest {
 public:
  static constexpr std::size_t kMaxIdentity = 4;  // fields about a client's certificate

  // Takes a copy of all that `head` and `context` say and point to, in one block, with room for a body of
  // `body_size` bytes. Requires: at most kMaxIdentity fields of identity.
  void store(const RequestHead& head, const ForwardContext& context, std::size_t body_size);
  // Requires: all pieces together are not longer than `body_size`.
  void append_body(std::string_view piece) { text_.append(piece); }

  // Valid until the next store() or release().
  const RequestHead& head() const { return head_; }
  const ForwardContext& context() const { return context_; }
  std::string_view body() const { return text_.view().substr(body_at_); }

  // Gives the block back.
  void release();

 private:
  std::string_view keep(std::string_view part);

  RequestHead head_;
  ForwardContext context_;
  std::array<Field, kMaxIdentity> identity_;
  Buffer text_;
  std::size_t body_at_ = 0;
};

}  // namespace sluice::http
