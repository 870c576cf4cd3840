#include "proxy/net/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "proxy/base/socket_calls.hpp"

namespace sluice::net {

Stream::Stream(int fd, Poller& poller, TimerWheel& wheel) : Deadline(wheel), poller_(poller), fd_(fd) {
  if (fd_ >= 0 && !poller_.add(fd_, *this))
    peer_closed_ = maybe_readable_ = true;  // reads as an error at once
}

// --- reading

void Stream::begin_read(Buffer& into) {
  assert(read_state_ == ReadState::none);
  read_state_ = ReadState::pending;
  read_ = {&into};
  if (into.empty() && into.skipped() == 0) into.release();
}

void Stream::arm(Buffer& into) {
  begin_read(into);
  if (maybe_readable_) poller_.defer(*this);
}

void Stream::read_now(Buffer& into) {
  begin_read(into);
  if (maybe_readable_) try_read();
}

void Stream::try_read() {
  Buffer& into = *read_.into;
  const bool held = into.holds_storage();
  if (!held && read_size_.room() != Buffer::kSmall) into.reserve(read_size_.room());
  char* const room = into.room();
  const std::size_t size = std::min<std::size_t>(into.room_size(), read_size_.most());
  if (tls_) {
    try_read_tls(room, size);
  } else {
    try_read_clear(room, size);
  }
  if (!held && (read_state_ == ReadState::pending || read_result_.status != IoStatus::ok)) into.release();
}

void Stream::try_read_clear(char* room, std::size_t size) {
  ssize_t got;
  do {
    got = receive_bytes(fd_, room, size);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto read = static_cast<std::size_t>(got);
    // A short read has drained the socket: the next byte makes a new event, unless it is the FIN that has
    // been announced.
    maybe_readable_ = read == size || peer_closed_;
    complete_read({IoStatus::ok, read});
  } else if (got == 0) {
    complete_read({IoStatus::eof, 0});
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    maybe_readable_ = false;
  } else {
    complete_read({IoStatus::reset, 0});
  }
}

void Stream::read_into_pipe(Pipe& pipe, std::uint64_t most) {
  assert(read_state_ == ReadState::pending && !tls_ && pipe.empty());
  read_ = {read_.into, &pipe, Pipe::piece_of(most), true};
}

// How much of a pipe is used the kernel does not say: after a read there may be more.
void Stream::try_read_late() {
  if (!read_.pipe) return try_read();
  const ssize_t got = read_.pipe->fill(fd_, read_.most_piped);
  if (got < 0 && errno == EMFILE) {
    read_.pipe = nullptr;
    try_read();
  } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    maybe_readable_ = false;
  } else if (got < 0) {
    complete_read({IoStatus::reset, 0});
  } else {
    complete_read({got == 0 ? IoStatus::eof : IoStatus::ok, static_cast<std::size_t>(got)});
  }
}

bool Stream::drained() {
  assert(read_state_ == ReadState::none);
  char byte;
  if (maybe_readable_ && !peer_closed_ && !tls_ && ::recv(fd_, &byte, 1, MSG_PEEK) < 0 &&
      (errno == EAGAIN || errno == EWOULDBLOCK))
    maybe_readable_ = false;
  return quiet();
}

void Stream::complete_read(ReadResult result) {
  read_result_ = result;
  read_.pipe ? read_size_.unlearn() : read_size_.learn(brought_many());
  read_state_ = ReadState::ready;
  if (!read_.late) poller_.defer(*this);
}

void Stream::deliver_read() {
  if (reader_) {
    std::exchange(reader_, nullptr).resume();
  } else if (observer_) {
    observer_->on_unawaited_read();
  }
}

// --- what the poller says

void Stream::on_events(std::uint32_t events) {
  // Edges are told once: what comes together with the end of a connect is remembered for the first read.
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer_closed_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) maybe_readable_ = true;
  if (connector_) return end_connect(connect_result());
  if (tls_ && on_tls_events(events)) return;
  read_if_possible();
  if (!writer_ || sending_ || !(events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) return;
  if (!writer_->step()) {
    if (Deadline::armed()) expires_after(timeout_);  // it moves
    return;
  }
  std::exchange(writer_, nullptr)->waiting_.resume();
}

void Stream::on_deferred() {
  if (asked_end_ != IoStatus::ok) return end_as_asked();
  if (deliver_if_ready()) read_if_possible();
}

// Apart, so that what comes with every request saves no registers for it.
[[gnu::noinline]] void Stream::end_as_asked() {
  const auto asked = std::exchange(asked_end_, IoStatus::ok);
  if (connector_) return end_connect(asked);
  if (handshaker_) return end_handshake(asked);
  // Taken out first: what is begun by those that are resumed here is not what was asked to end.
  WriteAwaiter* const writer = std::exchange(writer_, nullptr);
  const bool undelivered = read_state_ == ReadState::ready && reader_ && asked == IoStatus::canceled;
  if (read_state_ == ReadState::pending || undelivered) {
    read_state_ = ReadState::ready;
    // What had been read already is there for who reads on.
    const bool has_bytes = undelivered && read_result_.status == IoStatus::ok;
    read_result_ = {asked, has_bytes ? read_result_.size : 0};
  }
  if (!deliver_if_ready()) return;
  // A writer is awaited by a coroutine that keeps the stream.
  if (writer) {
    writer->status_ = asked;
    return writer->waiting_.resume();
  }
  read_if_possible();
}

// False: the stream is no more.
bool Stream::deliver_if_ready() {
  if (read_state_ != ReadState::ready) return true;
  bool destroyed = false;
  destroyed_ = &destroyed;
  deliver_read();
  if (!destroyed) destroyed_ = nullptr;
  return !destroyed;
}

void Stream::read_if_possible() {
  if (maybe_readable_ && read_state_ == ReadState::pending) read_.late ? await_turn() : try_read();
}

[[gnu::noinline]] void Stream::await_turn() { poller_.defer_late(*this); }

// What was asked to end meanwhile ends: the end must not be left to the read behind this one.
void Stream::on_late() {
  if (asked_end_ != IoStatus::ok || !read_.late || !maybe_readable_ || read_state_ != ReadState::pending)
    return;
  try_read_late();
  if (read_state_ == ReadState::ready) deliver_read();
}

// A writer that was ended meanwhile left nothing to do, or another that asked for its own turn.
void Stream::on_send() {
  sending_ = false;
  if (!writer_ || !writer_->step()) return;
  std::exchange(writer_, nullptr)->waiting_.resume();
}

void Stream::cancel() { ask_end(IoStatus::canceled); }

void Stream::expired() {
  if (asked_end_ == IoStatus::ok) ask_end(IoStatus::timed_out);
}

void Stream::ask_end(IoStatus status) {
  const bool reads = read_state_ == ReadState::pending || (read_state_ == ReadState::ready && reader_);
  if (!reads && !writer_ && !connector_ && !handshaker_) return;
  asked_end_ = status;
  poller_.defer(*this);
}

// --- writing

IoStatus Stream::send_now(std::span<iovec>& pieces, int flags) {
  if (tls_) return send_now_tls(pieces);
  while (!pieces.empty()) {
    ssize_t sent;
    if (pieces.size() == 1) {
      sent = send_bytes(fd_, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL | flags);
    } else {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | flags);
    }
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return IoStatus::ok;
      pieces = {};
      return IoStatus::reset;
    }
    auto left = static_cast<std::size_t>(sent);
    while (!pieces.empty() && left >= pieces[0].iov_len) {
      left -= pieces[0].iov_len;
      pieces = pieces.subspan(1);
    }
    if (left > 0) {
      pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + left;
      pieces[0].iov_len -= left;
    }
  }
  return IoStatus::ok;
}

IoStatus Stream::send_now(Pipe& pipe, bool more) {
  while (!pipe.empty()) {
    if (pipe.drain(fd_, more) > 0) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return IoStatus::ok;
    pipe.release();
    return IoStatus::reset;
  }
  return IoStatus::ok;
}

Stream::WriteAwaiter::WriteAwaiter(Stream& stream, std::span<const iovec> pieces, Pipe* behind)
    : stream_(stream), behind_(behind) {
  assert(pieces.size() <= kMaxPieces);
  std::size_t count = 0;
  for (const iovec& piece : pieces)
    if (piece.iov_len > 0) pieces_[count++] = piece;
  left_ = {pieces_, count};
}

bool Stream::WriteAwaiter::step() {
  if (behind_) return step_piped();
  status_ = stream_.send_now(left_, flags_);
  return left_.empty();
}

bool Stream::WriteAwaiter::step_piped() {
  status_ = stream_.send_now(left_, MSG_MORE);
  if (!left_.empty()) return false;
  if (status_ == IoStatus::ok) status_ = stream_.send_now(*behind_, ends_line_);
  if (status_ == IoStatus::ok && !behind_->empty()) return false;
  behind_ = nullptr;
  if (status_ != IoStatus::ok || !ends_line_) return true;
  pieces_[0] = {const_cast<char*>("\r\n"), 2};
  left_ = {pieces_, 1};
  return step();
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> h) {
  assert(!stream_.writer_);
  waiting_ = h;
  stream_.writer_ = this;
  stream_.sending_ = true;
  stream_.poller_.send_later(stream_);
}

// --- connecting

Stream::ConnectAwaiter::ConnectAwaiter(Stream& stream, const sockaddr* address, socklen_t size)
    : stream_(stream) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  stream_.fd_ = fd;
  if (fd < 0) {
    status_ = IoStatus::reset;
    return;
  }
  const int on = 1;
  if (address->sa_family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int result = ::connect(fd, address, size);
  const bool pending = result < 0 && errno == EINPROGRESS;
  if ((result < 0 && !pending) || !stream_.poller_.add(fd, stream_))
    status_ = IoStatus::reset;
  else
    pending_ = pending;
}

void Stream::ConnectAwaiter::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  stream_.connector_ = this;
}

IoStatus Stream::connect_result() const {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return error ? IoStatus::reset : IoStatus::ok;
}

void Stream::end_connect(IoStatus status) {
  connector_->status_ = status;
  std::exchange(connector_, nullptr)->waiting_.resume();
}

// --- the end

void Stream::shutdown_send() {
  if (tls_) tls_->close_notify();
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void Stream::close(bool reset) {
  disarm();
  if (destroyed_) *std::exchange(destroyed_, nullptr) = true;
  if (fd_ < 0) return;
  if (tls_ && !reset) tls_->close_notify();
  poller_.remove(fd_, *this);
  if (reset) {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  ::close(std::exchange(fd_, -1));
  read_state_ = ReadState::none;
}

}  // namespace sluice::net
