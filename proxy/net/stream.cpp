#include "proxy/net/stream.hpp"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cassert>
#include <cerrno>
#include <utility>

namespace sluice::net {

struct Stream::ReadHandler {
  using allocator_type = HandlerAllocator<void, HandlerMemory<>>;
  Stream* stream;
  allocator_type get_allocator() const { return allocator_type(stream->read_memory_); }
  void operator()(const ErrorCode& error, std::size_t size = 0) const { stream->on_read(error, size); }
};

struct Stream::WritableHandler {
  using allocator_type = HandlerAllocator<void, HandlerMemory<>>;
  Stream* stream;
  WriteAwaiter* writer;
  allocator_type get_allocator() const { return allocator_type(stream->write_memory_); }
  void operator()(const ErrorCode& error) const {
    if (error) {
      writer->status_ = stream->status_of(error);
    } else if (!writer->step()) {
      if (stream->set()) stream->expires_after(stream->limit_);  // it moves
      stream->wait_writable(writer);
      return;
    }
    const auto waiting = writer->writer_;
    --stream->writers_;
    waiting.resume();
  }
};

struct Stream::ConnectHandler {
  using allocator_type = HandlerAllocator<void, HandlerMemory<>>;
  Stream* stream;
  ConnectAwaiter* connector;
  allocator_type get_allocator() const { return allocator_type(stream->write_memory_); }
  void operator()(const ErrorCode& error) const {
    if (error) connector->status = stream->status_of(error);
    --stream->writers_;
    connector->waiter.resume();
  }
};

Stream::Stream(Socket socket, TimerWheel& wheel) : Deadline(wheel), socket_(std::move(socket)) {}

Stream::~Stream() { assert(!outstanding()); }

void Stream::arm(char* data, std::size_t size) {
  assert(read_state_ == ReadState::none && size > 0);
  read_state_ = ReadState::pending;
  socket_.async_read_some(asio::buffer(data, size), ReadHandler{this});
}

void Stream::arm_wait() {
  assert(read_state_ == ReadState::none);
  read_state_ = ReadState::pending;
  socket_.async_wait(Socket::wait_read, ReadHandler{this});
}

void Stream::on_read(const ErrorCode& error, std::size_t size) {
  read_state_ = ReadState::ready;
  read_result_ = {error ? status_of(error) : IoStatus::ok, size};
  if (reader_) {
    std::exchange(reader_, nullptr).resume();
  } else if (settled_ || settled_call_) {
    check_settled();
  } else if (observer_) {
    observer_->on_unawaited_read();
  }
}

IoStatus Stream::status_of(const ErrorCode& error) const {
  if (error == asio::error::eof) return IoStatus::eof;
  if (error == asio::error::operation_aborted) return timed_out_ ? IoStatus::timed_out : IoStatus::canceled;
  return IoStatus::reset;
}

IoStatus Stream::send_now(std::span<iovec>& pieces) {
  const int fd = socket_.native_handle();
  while (!pieces.empty()) {
    ssize_t sent;
    if (pieces.size() == 1) {
      sent = ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
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

Stream::WriteAwaiter::WriteAwaiter(Stream& stream, std::span<const iovec> pieces) : stream_(stream) {
  assert(pieces.size() <= kMaxPieces);
  std::size_t count = 0;
  for (const iovec& piece : pieces)
    if (piece.iov_len > 0) pieces_[count++] = piece;
  left_ = {pieces_, count};
}

bool Stream::WriteAwaiter::step() {
  status_ = stream_.send_now(left_);
  return left_.empty();
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> h) {
  writer_ = h;
  ++stream_.writers_;
  stream_.wait_writable(this);
}

void Stream::wait_writable(WriteAwaiter* writer) {
  socket_.async_wait(Socket::wait_write, WritableHandler{this, writer});
}

bool Stream::ConnectAwaiter::await_ready() {
  ErrorCode error;
  stream.socket_.open(endpoint.protocol(), error);
  if (!error) stream.socket_.native_non_blocking(true, error);
  if (!error) stream.socket_.set_option(Tcp::no_delay(true), error);
  if (error) {
    status = IoStatus::reset;
    return true;
  }
  return false;
}

void Stream::ConnectAwaiter::await_suspend(std::coroutine_handle<> h) {
  waiter = h;
  ++stream.writers_;
  stream.socket_.async_connect(endpoint, ConnectHandler{&stream, this});
}

void Stream::cancel() {
  ErrorCode ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

void Stream::expired() {
  timed_out_ = true;
  cancel();
}

void Stream::shutdown_send() {
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close(bool reset) {
  never();
  ErrorCode ignored;
  if (!socket_.is_open()) return;
  if (reset) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

void Stream::when_settled(void (*done)(void*), void* context) {
  if (!outstanding()) {
    done(context);
    return;
  }
  settled_call_ = done;
  settled_context_ = context;
}

void Stream::check_settled() {
  if (outstanding()) return;
  if (settled_) {
    std::exchange(settled_, nullptr).resume();
  } else if (settled_call_) {
    std::exchange(settled_call_, nullptr)(settled_context_);
  }
}

}  // namespace sluice::net
