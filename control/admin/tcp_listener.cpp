#include "control/admin/tcp_listener.hpp"

#include <unistd.h>

namespace sluice::admin {

using boost::asio::ip::tcp;
using boost::system::error_code;

std::string TcpListener::open(const Address& address, const net::Ours& ours) {
  net::Bound bound = net::bind(key, address.host, address.port, 1, ours);
  if (bound.error.empty()) bound.error = net::listen(key, bound, ours);
  if (!bound.error.empty()) {
    const std::string error = bound.error;
    bound.close();
    return error;
  }
  return adopt(bound.fds.front(), address);
}

std::string TcpListener::adopt(int fd, const Address& address) {
  error_code error;
  acceptor.assign(net::is_v6(fd) ? tcp::v6() : tcp::v4(), fd, error);
  if (error) {
    ::close(fd);
    return key + ": " + error.message();
  }
  bind = address.text;
  access.bound_host = address.host;
  return {};
}

void TcpListener::close() {
  error_code ignored;
  acceptor.close(ignored);
}

std::uint16_t TcpListener::port() const {
  error_code error;
  const auto endpoint = acceptor.local_endpoint(error);
  return error ? 0 : endpoint.port();
}

}  // namespace sluice::admin
