#include "proxy/upstream/logins.hpp"

#include <utility>

namespace sluice::upstream {

Logins::~Logins() {
  if (!logins_) return;
  for (Login& login : *logins_) end(login);
}

std::unique_ptr<Connection> Logins::take(const observe::ServiceLive& service, const Backend& backend) {
  Login* login = logins_ ? find(service) : nullptr;
  if (!login || &login->conn->backend() != &backend) return nullptr;
  return login->conn->backend().take_login(login->conn);
}

void Logins::keep(const observe::ServiceLive& service, std::unique_ptr<Connection> conn,
                  std::chrono::milliseconds idle) {
  if (!logins_) logins_ = std::make_unique<std::array<Login, kMost>>();
  Login* place = find(service);
  if (!place)
    for (Login& login : *logins_)
      if (!login.conn) place = &login;
  if (!place) place = &(*logins_)[next_++ % kMost];
  end(*place);
  place->service = &service;
  Backend& backend = conn->backend();
  backend.put_login(std::move(conn), idle, place->conn);
}

void Logins::end(const observe::ServiceLive& service) {
  if (Login* login = logins_ ? find(service) : nullptr) end(*login);
}

// Requires: logins_.
Logins::Login* Logins::find(const observe::ServiceLive& service) const {
  for (Login& login : *logins_)
    if (login.conn && login.service == &service) return &login;
  return nullptr;
}

void Logins::end(Login& login) {
  if (login.conn) Connection::retire(login.conn->backend().take_login(login.conn));
}

}  // namespace sluice::upstream
