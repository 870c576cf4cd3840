// A socket of control's that speaks TLS to a backend, for all of control's requests. Control thread only.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>

#include "control/io/socket.hpp"
#include "proxy/base/network.hpp"
#include "proxy/tls/client.hpp"

namespace sluice::io {

using Secured = boost::asio::ssl::stream<Socket&>;

// What goes ahead of TLS and HTTP where the backend wants a PROXY header: one that speaks for nobody.
boost::asio::awaitable<boost::system::error_code> announce(Socket& socket, ProxyVersion proxy_protocol);

// The handshake on a connected socket. Null with a sentence in `error`; `socket` outlives what is returned.
boost::asio::awaitable<std::unique_ptr<Secured>> secure(Socket& socket,
                                                        std::shared_ptr<const tls::ClientContext> tls,
                                                        std::string address, std::string& error);

}  // namespace sluice::io
