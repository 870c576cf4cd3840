#include "control/handoff/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::handoff {
namespace {

std::vector<int> descriptors_in(msghdr& message) {
  std::vector<int> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    found.resize((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(found.data(), CMSG_DATA(part), found.size() * sizeof(int));
  }
  return found;
}

// Stands for a text that is in the file beside it.
constexpr std::string_view kInFile = "in a file";
constexpr std::size_t kShort = 16 * 1024;  // bytes that go in a message, of which several are under way
constexpr std::size_t kMostInFile = 256 * 1024 * 1024;

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Empty when it cannot be read.
std::string text_in(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || static_cast<std::size_t>(status.st_size) > kMostInFile) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t got = ::pread(file, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    at += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

Descriptors::~Descriptors() {
  for (const int one : all_)
    if (one >= 0) ::close(one);
}

Rights::Rights(msghdr& message, std::span<const int> descriptors) {
  if (descriptors.empty()) return;
  message.msg_control = room_;
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
}

int copy_of(int descriptor) { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

std::optional<std::pair<Channel, Channel>> Channel::pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  return std::pair(Channel(ends[0]), Channel(ends[1]));
}

bool Channel::send(std::string_view text, std::span<const int> descriptors) const {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  const Rights rights(message, descriptors);
  ssize_t sent;
  do {
    sent = ::sendmsg(descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(text.size());
}

bool Channel::send_long(std::string_view text) const {
  if (text.size() <= kShort) return send(text);
  const Descriptors file({::memfd_create("sluice", MFD_CLOEXEC)});
  const int descriptor = file.all().front();
  return descriptor >= 0 && write_all(descriptor, text) && send(kInFile, {{descriptor}});
}

std::optional<Channel::Message> Channel::receive(std::chrono::milliseconds limit) {
  pollfd wanted{descriptor(), POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&wanted, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  std::string text(kLongest, '\0');
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) char room[CMSG_SPACE(Rights::kMost * sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t got = ::recvmsg(descriptor(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got <= 0) {
    over_ = true;
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(got));
  Descriptors came(descriptors_in(message));
  if (text == kInFile && came.all().size() == 1) return Message{text_in(came.all().front()), {}};
  return Message{std::move(text), std::move(came)};
}

}  // namespace sluice::handoff
