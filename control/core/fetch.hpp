// One HTTP/1.1 request on a connection of its own, for verify requests, HTTP hooks and Prometheus. Control
// thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/route/snapshot.hpp"

namespace sluice::core {

struct FetchRequest {
  route::Endpoint to;
  std::shared_ptr<const tls::ClientContext> tls;    // null: in clear
  std::string address;                              // with tls: of the backend, "host:port"
  ProxyVersion proxy_protocol = ProxyVersion::off;  // begin with a header that speaks for nobody
  std::string host;                                 // the Host header
  std::string method = "GET";
  std::string target = "/";
  std::chrono::milliseconds limit{5'000};  // for all of it
};

struct Fetched {
  int status = 0;       // 0: there was no answer, `problem` says why
  std::string body;     // the first 64 KiB of it, and of what came with them
  bool cut = false;     // there is more of it
  std::string problem;  // "connect: Connection refused", "no answer within 5s"
};

// Never throws; takes at most request.limit.
boost::asio::awaitable<Fetched> fetch(boost::asio::any_io_executor loop, FetchRequest request);

// The parts of "http://HOST[:PORT]/path?query"; nothing for https, which is not spoken here, and for what is
// no URL.
struct UrlParts {
  std::string address;  // HOST:PORT
  std::string host;     // as written, for the Host header
  std::string target;
};
std::optional<UrlParts> parts_of(std::string_view url);

}  // namespace sluice::core
