// A connection between a daemon and the one that takes its place: messages with descriptors (SOCK_SEQPACKET,
// SCM_RIGHTS). Any thread, one at a time.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::handoff {

// Descriptors that are closed with their owner.
class Descriptors {
 public:
  Descriptors() = default;
  explicit Descriptors(std::vector<int> all) : all_(std::move(all)) {}
  Descriptors(Descriptors&& other) noexcept : all_(std::exchange(other.all_, {})) {}
  Descriptors& operator=(Descriptors&& other) noexcept {
    all_.swap(other.all_);
    return *this;
  }
  ~Descriptors();

  const std::vector<int>& all() const { return all_; }
  std::vector<int> release() { return std::exchange(all_, {}); }

 private:
  std::vector<int> all_;
};

// A copy for another process; -1 with errno.
int copy_of(int descriptor);

// Descriptors that go with a message (SCM_RIGHTS). Lives until it is sent. Requires: at most kMost.
class Rights {
 public:
  static constexpr std::size_t kMost = 200;  // the kernel takes 253

  Rights(msghdr& message, std::span<const int> descriptors);
  Rights(const Rights&) = delete;
  Rights& operator=(const Rights&) = delete;

 private:
  alignas(cmsghdr) char room_[CMSG_SPACE(kMost * sizeof(int))];
};

class Channel {
 public:
  static constexpr std::size_t kLongest = 128 * 1024;  // bytes of a message

  struct Message {
    std::string text;
    Descriptors descriptors;
  };

  explicit Channel(int descriptor) : descriptor_({descriptor}) {}
  // Both ends, ours and the other's; nothing, with errno, when there are no descriptors left.
  static std::optional<std::pair<Channel, Channel>> pair();

  int descriptor() const { return descriptor_.all().empty() ? -1 : descriptor_.all().front(); }
  bool is_open() const { return descriptor() >= 0; }
  void close() { descriptor_ = Descriptors(); }

  // False: the other side is gone, or takes nothing. The descriptors are copied; ours stay open.
  bool send(std::string_view text, std::span<const int> descriptors = {}) const;
  // Of any length: what is too long for a message goes as a file in memory.
  bool send_long(std::string_view text) const;
  // The next message; nothing when none comes within `limit` (0: that is not there yet) or the other side is
  // gone, which is_over() tells.
  std::optional<Message> receive(std::chrono::milliseconds limit);
  bool is_over() const { return over_; }

 private:
  Descriptors descriptor_;
  bool over_ = false;
};

}  // namespace sluice::handoff
