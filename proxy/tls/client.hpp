// What a pool needs to speak TLS to its backends: whom to believe, as whom to come. Made by control, then
// constant; shared by the workers and the probes.
#pragma once

#include <memory>
#include <string>

#include "proxy/tls/channel.hpp"

namespace sluice::tls {

struct ClientOptions {
  std::string ca;           // PEM; empty: the system's
  std::string server_name;  // the name asked for and verified; empty: the backend's own host or address
  std::string cert, key;    // PEM, both or none
};

// The last session with one backend, to be resumed. Of one worker.
struct SessionSlot {
  SessionPtr session;
};

class ClientContext {
 public:
  // Null with a sentence in `error`.
  static std::shared_ptr<const ClientContext> make(const ClientOptions& options, std::string& error);

  // Our side of a connection to the backend at `address` ("host:port"); null when memory is short. `slot`,
  // when given, outlives the channel. Any thread.
  std::unique_ptr<Channel> connect(int fd, const std::string& address, SessionSlot* slot) const;
  // Likewise without a socket, for who brings his own way of moving bytes.
  SslPtr session_for(const std::string& address) const;

 private:
  CtxPtr ctx_;
  std::string server_name_;
};

}  // namespace sluice::tls
