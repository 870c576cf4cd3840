#include "control/io/secured.hpp"

#include <openssl/x509_vfy.h>

#include <boost/asio/write.hpp>

#include "proxy/net/proxy_protocol.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {

boost::asio::awaitable<boost::system::error_code> announce(Socket& socket, ProxyVersion proxy_protocol) {
  namespace asio = boost::asio;
  if (proxy_protocol == ProxyVersion::off) co_return boost::system::error_code{};
  net::ProxyHeaderText storage;
  const auto header = net::write_proxy_header(proxy_protocol, nullptr, storage);
  const auto token = asio::as_tuple(asio::use_awaitable);
  const auto [failure, written] = co_await asio::async_write(socket, asio::buffer(header), token);
  co_return failure;
}

boost::asio::awaitable<std::unique_ptr<Secured>> secure(Socket& socket,
                                                        std::shared_ptr<const tls::ClientContext> tls,
                                                        std::string address, std::string& error) {
  namespace asio = boost::asio;
  tls::SslPtr ssl = tls->session_for(address);
  if (!ssl) {
    error = "TLS: out of memory, or its name is no host name";
    co_return nullptr;
  }
  auto secured = std::make_unique<Secured>(socket, ssl.release());
  const auto client = asio::ssl::stream_base::client;
  const auto [failure] = co_await secured->async_handshake(client, asio::as_tuple(asio::use_awaitable));
  if (!failure) co_return secured;
  const long verdict = SSL_get_verify_result(secured->native_handle());
  error = "TLS: " + (verdict == X509_V_OK ? failure.message() : X509_verify_cert_error_string(verdict));
  co_return nullptr;
}

}  // namespace sluice::io
