#include "proxy/client/http1_input.hpp"

namespace sluice::client {
namespace {
constexpr std::size_t kCompact = 4096;  // used bytes at the buffer's front that are worth moving the others
constexpr std::size_t kMinRoom = 1024;  // less room than this is no use for reading ahead
}  // namespace

void Http1Input::compact() {
  if (head_.skipped() > kCompact) head_.compact();
}

void Http1Input::end_message() {
  if (!body_apart_) return head_.skip(body_at_);
  head_.clear();
  head_.swap(body_);  // holds what came behind the body, and perhaps an outstanding read
  body_.release();
  body_apart_ = false;
}

bool Http1Input::make_room(bool head_in_use) {
  Buffer& buffer = tail();
  if (body_apart_ && buffer.empty()) buffer.clear();  // no head is in it
  if (!buffer.holds_storage() || buffer.room_size() >= kMinRoom) return true;
  if (head_in_use) return false;
  buffer.compact();
  return buffer.room_size() >= kMinRoom || buffer.grow();
}

}  // namespace sluice::client
