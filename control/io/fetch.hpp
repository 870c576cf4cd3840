// One HTTP/1.1 request on a connection of its own: of probes, verify requests, HTTP hooks and Prometheus.
// What comes back is read as the proxy reads it. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/tls/client.hpp"

namespace sluice::io {

struct FetchRequest {
  route::Endpoint to;
  std::vector<route::Endpoint> also;                // tried in turn when no connection can be made there
  std::shared_ptr<const tls::ClientContext> tls;    // null: in clear
  std::string address;                              // with tls: of the backend, "host:port"
  ProxyVersion proxy_protocol = ProxyVersion::off;  // begin with a header that speaks for nobody
  std::string host;                                 // the Host header
  std::string method = "GET";
  std::string target = "/";
  std::string agent = "sluice";
  std::string authorization;               // the field's value; empty: none is sent
  std::chrono::milliseconds limit{5'000};  // for all of it
  std::size_t most_body = 64 * 1024;       // so much of the answer's body is waited for and kept
};

struct Fetched {
  int status = 0;        // 0: there was no answer, `problem` says why
  std::string location;  // of a redirect; it is not followed
  std::string body;      // as much of it as was asked for
  bool cut = false;      // there is more of it
  std::string problem;   // "connect: Connection refused", "no answer within 5s"
  bool ours = false;     // nothing was learned of the other side: out of descriptors, ports or memory (X7)
};

// Never throws; takes at most request.limit. What the other side sends beyond what was asked for is read and
// thrown away behind the caller's back, within bounds: a page that is larger than wanted is no reset for it.
boost::asio::awaitable<Fetched> fetch(boost::asio::any_io_executor loop, FetchRequest request);

// As it goes out.
std::string text_of(const FetchRequest& request);

}  // namespace sluice::io
