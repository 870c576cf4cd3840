// A listener of the admin API over TCP. Control thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "control/admin/connection.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

struct TcpDoor {
  // `key` is its place in the configuration, for messages.
  TcpDoor(boost::asio::io_context& loop, std::string key_, Door door) : key(std::move(key_)), acceptor(loop) {
    access.door = door;
    access.tokens = &tokens;
  }

  // An error text that names the address or the file and the errno, or empty. After an error it is closed.
  std::string open(const Address& bind, const std::string& token_file);
  void close();
  std::uint16_t port() const;  // 0 when it is not open

  const std::string key;
  boost::asio::ip::tcp::acceptor acceptor;
  TokenFile tokens;
  Access access;  // what its connections may do

 private:
  std::string listen(const Address& bind);
  std::string failure(const std::string& address, const std::string& what,
                      const boost::system::error_code& error) const;
};

}  // namespace sluice::admin
