// R4: where one client connection is logged in. NTLM and Negotiate log in a connection, not a request: the
// next request on it, of whatever client, would be served as that of the user who logged in. So such a
// connection is no other client's, waits here between two requests, and ends with its client's connection.
// Worker only.
#pragma once

#include <array>
#include <chrono>
#include <memory>

#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {

class Logins {
 public:
  static constexpr std::size_t kMost = 4;  // services that one client connection is logged in to

  Logins() = default;
  Logins(const Logins&) = delete;
  Logins& operator=(const Logins&) = delete;
  ~Logins();

  // The backend that this client is logged in at, of the service; null: none, or that login has ended.
  const Backend* at(const observe::ServiceLive& service) const {
    const Login* login = logins_ ? find(service) : nullptr;
    return login ? &login->conn->backend() : nullptr;
  }
  // Its connection to `backend`, if it is logged in there.
  std::unique_ptr<Connection> take(const observe::ServiceLive& service, const Backend& backend);
  // Keeps it for the next request, for `idle` at most. Requires: as for Backend::put_idle.
  void keep(const observe::ServiceLive& service, std::unique_ptr<Connection> conn,
            std::chrono::milliseconds idle);
  void end(const observe::ServiceLive& service);

 private:
  struct Login {
    const observe::ServiceLive* service = nullptr;  // compared only
    Connection* conn = nullptr;                     // null when taken or closed; its backend keeps it
  };
  Login* find(const observe::ServiceLive& service) const;
  static void end(Login& login);

  std::unique_ptr<std::array<Login, kMost>> logins_;  // null: never logged in
  std::size_t next_ = 0;                              // the login that ends when all are in use
};

}  // namespace sluice::upstream
