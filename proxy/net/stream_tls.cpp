// The stream's TLS side.
#include <cassert>
#include <utility>

#include "proxy/net/stream.hpp"

namespace sluice::net {

using tls::Channel;

void Stream::secure(std::unique_ptr<tls::Channel> channel) {
  tls_ = std::move(channel);
  if (tls_ && peer_closed_) tls_->wake(true);
}

// --- the handshake

bool Stream::HandshakeAwaiter::step() {
  const auto step = stream_.tls_ ? stream_.tls_->handshake() : Channel::Step::broken;
  if (step == Channel::Step::blocked) return false;
  status_ = step == Channel::Step::done ? IoStatus::ok : IoStatus::reset;
  stream_.maybe_readable_ = true;  // what came with the handshake's last message makes no event
  return true;
}

void Stream::HandshakeAwaiter::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  stream_.handshaker_ = this;
}

void Stream::end_handshake(IoStatus status) {
  handshaker_->status_ = status;
  std::exchange(handshaker_, nullptr)->waiting_.resume();
}

// True: the event was the handshake's.
bool Stream::on_tls_events(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) tls_->wake(peer_closed_);
  if (!handshaker_) return false;
  if (handshaker_->step()) end_handshake(handshaker_->status_);
  return true;
}

// --- bytes

void Stream::try_read_tls(char* room, std::size_t size) {
  const auto read = tls_->read(room, size);
  switch (read.step) {
    case Channel::Step::done:
      maybe_readable_ = tls_->more() || peer_closed_;
      return complete_read({IoStatus::ok, read.size});
    case Channel::Step::blocked:
      maybe_readable_ = false;
      return;
    case Channel::Step::ended:
      return complete_read({IoStatus::eof, 0});
    case Channel::Step::broken:
      return complete_read({IoStatus::reset, 0});
  }
}

IoStatus Stream::send_now_tls(std::span<iovec>& pieces) {
  if (tls_->write(pieces) != Channel::Step::broken) return IoStatus::ok;
  pieces = {};
  return IoStatus::reset;
}

}  // namespace sluice::net
