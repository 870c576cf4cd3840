// TLS over one non-blocking socket: what Stream does in clear by recv and send, done by SSL_read and
// SSL_write. Reads as much as the socket gives at once, and remembers when it was drained, so that a record
// costs one system call. Owns the SSL, not the socket. Worker only.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/tls/openssl.hpp"

namespace sluice::tls {

// Bytes of records that one look at the socket may bring: a few of a long body's. OpenSSL holds them only
// while there are some.
constexpr std::size_t kReadAhead = 66 * 1024;

class Channel {
 public:
  // blocked: again after the next event of the socket. ended: the peer's close_notify. broken: an alert, no
  // TLS, a lost connection, or its end without a close_notify, which is a truncation.
  enum class Step : std::uint8_t { done, blocked, ended, broken };
  enum class Failure : std::uint8_t { none, closed, protocol, certificate };

  Channel(SslPtr ssl, int fd);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  Step handshake();
  // Why handshake() was broken; `certificate`: the peer showed none that will do.
  Failure failure() const { return failure_; }
  // The peer's first byte was a letter: no TLS record begins so, but HTTP does.
  bool spoke_clear_text() const { return first_byte_ == FirstByte::letter; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // What the handshake agreed on by ALPN (RFC 7301); empty: nothing.
  std::string_view alpn() const;
  SSL* ssl() const { return ssl_.get(); }

  struct Read {
    Step step;
    std::size_t size;
  };
  Read read(char* data, std::size_t size);
  // Sends what the socket takes; `pieces` is left holding what remains, to be sent before anything else.
  Step write(std::span<iovec>& pieces);
  // Says that no more will come. Once.
  void close_notify();

  // An event said that there is something to read, or with `end` that the peer's FIN came.
  void wake(bool end) {
    drained_ = false;
    end_ = end_ || end;
  }
  // Something may be there to read without another event.
  // Or the end, read together with the last bytes: nothing more may come on the socket to tell it.
  bool more() const {
    return !drained_ || broken_ || SSL_has_pending(ssl_.get()) == 1 ||
           (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  friend struct SocketBio;
  enum class FirstByte : std::uint8_t { none, letter, other };
  Step after(int result);

  SslPtr ssl_;
  const int fd_;
  bool drained_ = false, end_ = false, broken_ = false;
  int send_flags_ = 0;  // of the record that is being written
  Failure failure_ = Failure::none;
  FirstByte first_byte_ = FirstByte::none;
};

}  // namespace sluice::tls
