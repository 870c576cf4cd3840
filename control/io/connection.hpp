// A connection of control's own to a backend or a server, for one request: TCP or a unix socket, a PROXY
// header, TLS, and one time limit for all of it. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/tls/client.hpp"

namespace sluice::io {

// Where a request goes, and how the other side is spoken to.
struct Destination {
  std::vector<route::Endpoint> endpoints;           // tried in turn until one takes the connection
  std::shared_ptr<const tls::ClientContext> tls;    // null: in clear
  std::string address;                              // with tls: as what it is spoken to, "host:port"
  ProxyVersion proxy_protocol = ProxyVersion::off;  // begin with a header that speaks for no client
  BackendProtocol protocol = BackendProtocol::h1;   // with tls h2, too, is agreed on by ALPN
};

// Why a step did not come to its end; false when it did.
struct Failure {
  std::string text;   // "connect: Connection refused", "no answer within 5s"
  bool ours = false;  // nothing was learned of the other side: out of descriptors, ports or memory (X7)
  explicit operator bool() const { return !text.empty(); }
};

class Connection {
 public:
  // At the limit the socket is closed, so whatever is under way fails.
  Connection(boost::asio::any_io_executor loop, std::chrono::milliseconds limit);
  Connection(const Connection&) = delete;
  ~Connection();  // Requires: nothing is under way

  // Connects, sends the PROXY header and shakes hands. Requires: `to` has an endpoint.
  boost::asio::awaitable<Failure> open(Destination to);
  boost::asio::awaitable<Failure> write(std::string bytes);

  struct Piece {
    std::size_t size = 0;
    bool end = false;  // the other side has closed; behind TLS also without saying so
    Failure failure;
  };
  boost::asio::awaitable<Piece> read(boost::asio::mutable_buffer into);

  // What is spoken, after open(): as the destination says, or what both sides have agreed on.
  bool http2() const { return http2_; }
  bool expired() const { return *expired_; }
  // From now on there is as much time as at the beginning. Requires: not expired.
  void restart_limit();

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using TlsStream = boost::asio::ssl::stream<Socket&>;

  boost::asio::awaitable<boost::system::error_code> connect(std::vector<route::Endpoint> endpoints);
  boost::asio::awaitable<boost::system::error_code> send_proxy_header(ProxyVersion version);
  boost::asio::awaitable<Failure> upgrade_to_tls(std::shared_ptr<const tls::ClientContext> context,
                                                 std::string address, BackendProtocol protocol);
  Failure take_protocol(BackendProtocol wanted);
  Failure outcome(const std::string& step, const boost::system::error_code& failure) const;

  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // over socket_; null: in clear
  bool http2_ = false;
  const std::chrono::milliseconds limit_;
  boost::asio::steady_timer timer_;
  // Shared with the timer's callback, which may be queued already when the connection goes.
  std::shared_ptr<bool> expired_ = std::make_shared<bool>(false);
};

// One of them takes a connection; each has `limit` for it.
boost::asio::awaitable<bool> takes_connections(boost::asio::any_io_executor loop,
                                               std::vector<route::Endpoint> endpoints,
                                               std::chrono::milliseconds limit);

}  // namespace sluice::io
