// The bytes that an HTTP/1 client has sent and nobody has used yet: the head under way and what came with it,
// further pieces of a long body, then the next head. Says where the next read goes. Pure; worker only.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "proxy/base/buffer.hpp"

namespace sluice::client {

class Http1Input {
 public:
  Http1Input() = default;
  // `came`: what has come already.
  explicit Http1Input(Buffer came) : head_(std::move(came)) {}

  // --- between two requests
  // What came of the next head, and behind it.
  std::string_view head_bytes() const { return head_.view(); }
  bool empty() const { return head_.empty(); }
  // Before a head is parsed from the start: regains the room of what was used. Requires: no read is
  // outstanding.
  void compact();
  // Nothing is held, but the room stays. Requires: empty(), no read is outstanding.
  void clear() { head_.clear(); }
  void release() { head_.release(); }
  // What head_bytes() are. Requires: no read is outstanding.
  Buffer take() { return std::move(head_); }

  // --- while a request is under way: its head stays where its views point
  void begin_message(std::size_t head_size) { body_at_ = head_size; }
  std::string_view unread() const { return body_apart_ ? body_.view() : head_.view().substr(body_at_); }
  // Of unread(); the bytes stay where they are until the next read.
  void use(std::size_t size) {
    if (body_apart_) return body_.skip(size);
    body_at_ += size;
  }
  // The next read goes to a buffer of its own, so that the head stays. What was there is used up.
  void begin_piece() {
    body_apart_ = true;
    body_.clear();
  }
  bool body_is_apart() const { return body_apart_; }
  // What came behind the message is the next head's beginning. A read may be outstanding.
  void end_message();

  // --- where the next read goes
  // Behind what has come. With `head_in_use` nothing that is held moves. False: there is no room.
  bool make_room(bool head_in_use);
  Buffer& tail() { return body_apart_ ? body_ : head_; }

 private:
  Buffer head_, body_;
  bool body_apart_ = false;  // unread bytes of the body are in body_, not behind the head
  std::size_t body_at_ = 0;  // of head_: where what is unread begins
};

}  // namespace sluice::client
