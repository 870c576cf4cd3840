// A listener of the admin API over TCP. Control thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "control/admin/connection.hpp"
#include "proxy/base/values.hpp"
#include "proxy/net/bind.hpp"

namespace sluice::admin {

struct TcpListener {
  // `key` is its place in the configuration, for messages. `tokens` outlive it and its connections.
  TcpListener(boost::asio::io_context& loop, std::string key_, ListenerKind kind, TokenFile& tokens)
      : key(std::move(key_)), acceptor(loop) {
    access.kind = kind;
    access.tokens = &tokens;
  }

  // An error text that names the address, the errno and who has it, or empty. `ours` are listening sockets of
  // this process, beside which there is room. After an error it is closed.
  std::string open(const Address& address, const net::Ours& ours);
  // Likewise of a listening socket that is there. Takes `fd`.
  std::string adopt(int fd, const Address& address);
  void close();
  bool is_open() const { return acceptor.is_open(); }
  std::uint16_t port() const;  // 0 when it is not open

  const std::string key;
  std::string bind;  // as written
  boost::asio::ip::tcp::acceptor acceptor;
  Access access;  // what its connections may do
};

}  // namespace sluice::admin
