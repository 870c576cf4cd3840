#include "proxy/tls/channel.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "proxy/base/socket_calls.hpp"

namespace sluice::tls {

constexpr std::size_t kRecord = 16 * 1024;  // RFC 8446 5.1: the most that one record holds

// The socket as OpenSSL sees it: no SIGPIPE, and no recv on a socket that is known to be empty.
struct SocketBio {
  static int read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    Channel& channel = *static_cast<Channel*>(BIO_get_data(bio));
    ssize_t got = -1;
    errno = EAGAIN;
    if (!channel.drained_) do {
        got = receive_bytes(channel.fd_, data, static_cast<std::size_t>(size));
      } while (got < 0 && errno == EINTR);
    if (channel.first_byte_ == Channel::FirstByte::none && got > 0) {
      const char first = static_cast<char>(data[0] | 0x20);  // of either case
      channel.first_byte_ =
          first >= 'a' && first <= 'z' ? Channel::FirstByte::letter : Channel::FirstByte::other;
    }
    const bool empty = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    // A short read has drained the socket, unless the announced FIN stands behind it.
    channel.drained_ = empty || (got > 0 && got < size && !channel.end_);
    if (empty) BIO_set_retry_read(bio);
    return static_cast<int>(got);
  }
  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const Channel& channel = *static_cast<Channel*>(BIO_get_data(bio));
    ssize_t sent;
    do {
      sent =
          send_bytes(channel.fd_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | channel.send_flags_);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice socket");
      BIO_meth_set_read(m, &SocketBio::read);
      BIO_meth_set_write(m, &SocketBio::write);
      BIO_meth_set_ctrl(m, &SocketBio::control);
      return m;
    }();
    return made;
  }
};

namespace {

// The bytes that make the next record: small pieces are put together, so that a head and its body share one.
std::string_view next_record(std::span<const iovec> pieces) {
  thread_local char room[kRecord];
  if (pieces.size() == 1 || pieces[0].iov_len >= kRecord)
    return {static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len};
  std::size_t size = 0;
  for (const iovec& piece : pieces) {
    const std::size_t part = std::min(piece.iov_len, kRecord - size);
    std::memcpy(room + size, piece.iov_base, part);
    size += part;
  }
  return {room, size};
}

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

void take_off(std::span<iovec>& pieces, std::size_t size) {
  while (!pieces.empty() && size >= pieces[0].iov_len) {
    size -= pieces[0].iov_len;
    pieces = pieces.subspan(1);
  }
  if (size == 0) return;
  pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + size;
  pieces[0].iov_len -= size;
}

// What others left in the thread's queue would be taken for a failure of this channel's. To look is a fifth
// of the cost of clearing.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool is_about_a_certificate(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  const int reason = ERR_GET_REASON(error);
  return reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ||
         reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
         reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED || reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN;
}

}  // namespace

Channel::Channel(SslPtr ssl, int fd) : ssl_(std::move(ssl)), fd_(fd) {
  BIO* bio = BIO_new(SocketBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

// Freed without a shutdown a session would count as bad and not be resumed.
Channel::~Channel() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

std::string_view Channel::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

Channel::Step Channel::handshake() {
  clear_errors();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Step::done : after(result);
}

Channel::Read Channel::read(char* data, std::size_t size) {
  std::size_t total = 0;
  do {
    clear_errors();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), data + total, size - total, &got);
    if (result != 1) {
      const Step step = after(result);
      return {total > 0 ? Step::done : step, total};  // an end is told again
    }
    total += got;
  } while (total < size && SSL_has_pending(ssl_.get()) == 1);
  return {Step::done, total};
}

// The kernel puts several records into one packet, and wakes the peer once for them.
Channel::Step Channel::write(std::span<iovec>& pieces) {
  Step step = Step::done;
  while (!pieces.empty() && step == Step::done) {
    const std::string_view record = next_record(pieces);
    send_flags_ = size_of(pieces) > kRecord ? MSG_MORE : 0;
    clear_errors();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &sent);
    if (result != 1)
      step = after(result);
    else
      take_off(pieces, sent);
  }
  send_flags_ = 0;
  return step;
}

Channel::Step Channel::after(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Step::blocked;
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    case SSL_ERROR_SSL:
      failure_ = is_about_a_certificate(ERR_peek_error()) ? Failure::certificate : Failure::protocol;
      break;
    default:
      failure_ = Failure::closed;
  }
  broken_ = true;
  ERR_clear_error();
  return Step::broken;
}

void Channel::close_notify() {
  if (broken_ || SSL_in_init(ssl_.get()) || (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN)) return;
  clear_errors();
  SSL_shutdown(ssl_.get());
  clear_errors();
}

}  // namespace sluice::tls
