#include "control/io/socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

asio::generic::stream_protocol::endpoint to_asio(const route::Endpoint& endpoint) {
  using asio::ip::tcp;
  if (!endpoint.path.empty()) return asio::local::stream_protocol::endpoint(endpoint.path);
  if (!endpoint.v6) {
    asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), endpoint.ip.data(), bytes.size());
    return tcp::endpoint(asio::ip::address_v4(bytes), endpoint.port);
  }
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), endpoint.ip.data(), bytes.size());
  return tcp::endpoint(asio::ip::address_v6(bytes), endpoint.port);
}

}  // namespace

asio::awaitable<error_code> connect(Socket& socket, route::Endpoint to) {
  const auto endpoint = to_asio(to);
  const auto [failure] = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
  co_return failure;
}

SocketLimit::SocketLimit(Socket& socket, std::chrono::milliseconds time)
    : timer_(socket.get_executor(), time), expired_(std::make_shared<bool>(false)) {
  timer_.async_wait([&socket, expired = expired_](error_code failure) {
    if (failure || *expired) return;
    *expired = true;
    error_code ignored;
    socket.close(ignored);
  });
}

}  // namespace sluice::io
