#include "control/admin/tcp_door.hpp"

namespace sluice::admin {

using boost::asio::ip::tcp;
using boost::system::error_code;

std::string TcpDoor::open(const Address& bind, const std::string& token_file) {
  if (auto error = tokens.open(token_file); !error.empty()) return key + ": " + error;
  auto error = listen(bind);
  if (!error.empty()) close();
  return error;
}

void TcpDoor::close() {
  error_code ignored;
  acceptor.close(ignored);
}

std::string TcpDoor::failure(const std::string& address, const std::string& what,
                             const error_code& error) const {
  return key + " " + address + ": " + what + ": " + error.message() + " (errno " +
         std::to_string(error.value()) + ")";
}

std::uint16_t TcpDoor::port() const {
  error_code error;
  const auto endpoint = acceptor.local_endpoint(error);
  return error ? 0 : endpoint.port();
}

std::string TcpDoor::listen(const Address& bind) {
  error_code error;
  tcp::resolver resolver(acceptor.get_executor());
  const auto found = resolver.resolve(bind.host, std::to_string(bind.port), tcp::resolver::passive, error);
  if (error) return failure(bind.text, "cannot resolve", error);
  const tcp::endpoint endpoint = *found.begin();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (!error) return {};
  return failure(bind.text, "cannot listen", error);
}

}  // namespace sluice::admin
