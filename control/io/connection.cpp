#include "control/io/connection.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cassert>

#include "proxy/base/values.hpp"
#include "proxy/net/proxy_protocol.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kConnectionToken = asio::as_tuple(asio::use_awaitable);

asio::generic::stream_protocol::endpoint to_asio(const route::Endpoint& endpoint) {
  using asio::ip::tcp;
  if (!endpoint.path.empty()) return asio::local::stream_protocol::endpoint(endpoint.path);
  const auto& ip = endpoint.ip.bytes;
  if (!endpoint.ip.is_v4()) return tcp::endpoint(asio::ip::address_v6(ip), endpoint.port);
  asio::ip::address_v4::bytes_type bytes;
  std::copy(ip.end() - 4, ip.end(), bytes.begin());
  return tcp::endpoint(asio::ip::address_v4(bytes), endpoint.port);
}

void offer(BackendProtocol protocol, SSL* ssl) {
  if (protocol == BackendProtocol::h1) return;
  const auto names = protocol == BackendProtocol::h2 ? tls::kOnlyHttp2 : tls::kHttp2OrHttp1;
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(names.data()),
                      static_cast<unsigned>(names.size()));
}

bool is_ours(const error_code& failure) {
  using namespace boost::system::errc;
  return failure == too_many_files_open || failure == too_many_files_open_in_system ||
         failure == no_buffer_space || failure == address_not_available || failure == not_enough_memory;
}

}  // namespace

Connection::Connection(asio::any_io_executor loop, std::chrono::milliseconds limit)
    : socket_(loop), limit_(limit), timer_(std::move(loop)) {
  restart_limit();
}

Connection::~Connection() { *expired_ = true; }

void Connection::restart_limit() {
  timer_.expires_after(limit_);
  timer_.async_wait([this, expired = expired_](error_code failure) {
    if (failure || *expired) return;
    *expired = true;
    error_code ignored;
    socket_.close(ignored);
  });
}

asio::awaitable<Failure> Connection::open(Destination to) {
  error_code failure = co_await connect(std::move(to.endpoints));
  if (failure || expired()) co_return outcome("connect", failure);
  failure = co_await send_proxy_header(to.proxy_protocol);
  if (failure || expired()) co_return outcome("write", failure);
  http2_ = to.protocol == BackendProtocol::h2;
  if (!to.tls) co_return Failure();
  co_return co_await upgrade_to_tls(std::move(to.tls), std::move(to.address), to.protocol);
}

asio::awaitable<error_code> Connection::connect(std::vector<route::Endpoint> endpoints) {
  assert(!endpoints.empty());
  error_code last;
  for (const auto& endpoint : endpoints) {
    error_code ignored;
    socket_.close(ignored);  // of the address that failed before
    const auto to = to_asio(endpoint);
    const auto [failure] = co_await socket_.async_connect(to, kConnectionToken);
    last = failure;
    if (!failure || expired() || is_ours(failure)) break;
  }
  co_return last;
}

asio::awaitable<error_code> Connection::send_proxy_header(ProxyVersion version) {
  if (version == ProxyVersion::off) co_return error_code();
  net::ProxyHeaderText storage;
  const auto header = asio::buffer(net::write_proxy_header(version, nullptr, storage));
  const auto [failure, written] = co_await asio::async_write(socket_, header, kConnectionToken);
  co_return failure;
}

asio::awaitable<Failure> Connection::upgrade_to_tls(std::shared_ptr<const tls::ClientContext> context,
                                                    std::string address, BackendProtocol protocol) {
  tls::SslPtr ssl = context->session_for(address);
  Failure refused;
  if (!ssl) {
    refused.text = "TLS: out of memory, or its name is no host name";
    co_return refused;
  }
  offer(protocol, ssl.get());
  tls_ = std::make_unique<TlsStream>(socket_, ssl.release());
  const auto client = asio::ssl::stream_base::client;
  const auto [failure] = co_await tls_->async_handshake(client, kConnectionToken);
  if (expired()) co_return outcome("TLS", failure);
  if (!failure) co_return take_protocol(protocol);
  const long verdict = SSL_get_verify_result(tls_->native_handle());
  refused.text =
      "TLS: " + (verdict == X509_V_OK ? failure.message() : X509_verify_cert_error_string(verdict));
  co_return refused;
}

// RFC 7301: the other side chooses among what was offered, or says nothing.
Failure Connection::take_protocol(BackendProtocol wanted) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_->native_handle(), &name, &size);
  http2_ = size == 2 && std::memcmp(name, "h2", 2) == 0;
  Failure refused;
  if (wanted == BackendProtocol::h2 && !http2_) refused.text = "TLS: it does not agree to HTTP/2 (ALPN)";
  return refused;
}

asio::awaitable<Failure> Connection::write(std::string bytes) {
  const auto buffer = asio::buffer(bytes);
  if (tls_) {
    const auto [failure, n] = co_await asio::async_write(*tls_, buffer, kConnectionToken);
    co_return outcome("write", failure);
  }
  const auto [failure, n] = co_await asio::async_write(socket_, buffer, kConnectionToken);
  co_return outcome("write", failure);
}

asio::awaitable<Connection::Piece> Connection::read(asio::mutable_buffer into) {
  Piece piece;
  error_code failure;
  if (tls_) {
    const auto [code, n] = co_await tls_->async_read_some(into, kConnectionToken);
    piece.size = n;
    // An end without close_notify, as many small servers make it. A body that has a length or chunks shows by
    // itself whether it is whole, and of any other only the status or a whole JSON document is believed.
    failure = code == asio::ssl::error::stream_truncated ? error_code(asio::error::eof) : code;
  } else {
    const auto [code, n] = co_await socket_.async_read_some(into, kConnectionToken);
    piece.size = n;
    failure = code;
  }
  piece.end = failure == asio::error::eof && !expired();
  if (!piece.end) piece.failure = outcome("read", failure);
  co_return piece;
}

// A peer that resets is told as such, not as an end of a file.
Failure Connection::outcome(const std::string& step, const error_code& failure) const {
  Failure made;
  if (expired()) {
    made.text = "no answer within " + duration_text(limit_);
  } else if (failure) {
    made.text = step + ": " + failure.message();
    made.ours = is_ours(failure);
  }
  return made;
}

asio::awaitable<bool> takes_connections(asio::any_io_executor loop, std::vector<route::Endpoint> endpoints,
                                        std::chrono::milliseconds limit) {
  for (const auto& endpoint : endpoints) {
    Connection connection(loop, limit);
    Destination to;
    to.endpoints.push_back(endpoint);
    const Failure failure = co_await connection.open(std::move(to));
    if (!failure) co_return true;
  }
  co_return false;
}

}  // namespace sluice::io
