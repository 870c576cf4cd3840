// What a pool needs to speak TLS to its backends: whom to believe, as whom to come. Made by control, then
// constant; shared by the workers and the probes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/tls/channel.hpp"

namespace sluice::tls {

struct ClientOptions {
  std::string ca;           // PEM; empty: the system's
  std::string server_name;  // the name asked for and verified; empty: the backend's own host or address
  std::string cert, key;    // PEM, both or none
  // Offered by ALPN (RFC 7301) on connections of requests: a list as it stands on the wire. Empty: nothing.
  std::string_view protocols = {};
};
inline constexpr std::string_view kOnlyHttp2 = "\x02h2";
inline constexpr std::string_view kHttp2OrHttp1 = "\x02h2\x08http/1.1";

// The last session with one backend, to be resumed. Of one worker.
struct SessionSlot {
  SessionPtr session;
};

class ClientContext {
 public:
  // Null with a sentence in `error`.
  static std::shared_ptr<const ClientContext> make(const ClientOptions& options, std::string& error);

  // Our side of a connection to the backend at `address` ("host:port"), which offers what
  // ClientOptions::protocols says; null when memory is short. `slot`, when given, outlives the channel. Any
  // thread.
  std::unique_ptr<Channel> connect(int fd, const std::string& address, SessionSlot* slot) const;
  // Likewise without a socket, for who brings his own way of moving bytes, and speaks HTTP/1.
  SslPtr session_for(const std::string& address) const;

 private:
  CtxPtr ctx_;
  std::string server_name_;
  std::string_view protocols_;  // literals only
};

}  // namespace sluice::tls
