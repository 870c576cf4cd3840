#include "control/core/socket.hpp"

#include <cstring>

namespace sluice::core {

using boost::asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint to_asio(const route::Endpoint& endpoint) {
  if (!endpoint.v6) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), endpoint.ip.data(), bytes.size());
    return {boost::asio::ip::address_v4(bytes), endpoint.port};
  }
  boost::asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), endpoint.ip.data(), bytes.size());
  return {boost::asio::ip::address_v6(bytes), endpoint.port};
}

SocketLimit::SocketLimit(tcp::socket& socket, std::chrono::milliseconds time)
    : timer_(socket.get_executor(), time), expired_(std::make_shared<bool>(false)) {
  timer_.async_wait([&socket, expired = expired_](error_code failure) {
    if (failure || *expired) return;
    *expired = true;
    error_code ignored;
    socket.close(ignored);
  });
}

}  // namespace sluice::core
